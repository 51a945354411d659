"""Files of figures: what they hold, and that labels of strangers are only text in them."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from pyarrow import parquet

from hub.errors import HubError
from hub.report import files
from hub.report.clock import local_hour
from hub.report.figures import COLUMNS, Figures
from hub.report.plots import draw_labels, draw_svg, list_shown_days
from hub.store.tallies import Mix, Tally, Wanted

ZONE = ZoneInfo("Europe/Berlin")
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)  # the night in which Berlin has 02:00 twice
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "=cmd|' /C calc'!A0",
    "$\\frac{$",
    "\u202egnp.exe",
    "あ親指",
    "x" * 200,
)


def make_figures(labels: tuple[str, ...] = ("cup",), hours: int = 5) -> Figures:
    """Return figures of a night, by two devices, with as many detections an hour as there are labels."""
    moments = [local_hour(AUTUMN + timedelta(hours=n), ZONE) for n in range(-1, hours - 1)]
    own = Tally(1, len(labels), len(labels) / 2, 1, 0)
    both = {(device, moment): own for device in ("porch", "yard") for moment in moments}
    count = len(both)
    mix = Mix({label: Tally(0, count, count / 2) for label in labels}, Counter({10: count * len(labels)}))
    return Figures(Wanted(), ZONE, both, mix)


class Page(HTMLParser):
    """Collects the elements, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_csv_has_every_figure_with_both_hours_of_an_autumn_night():
    rows = list(csv.DictReader(io.StringIO(files.make_csv(make_figures()).decode())))
    hours = [(row["hour"], row["detections"]) for row in rows if row["figure"] == "hour"]

    assert tuple(rows[0]) == COLUMNS
    assert hours[1:3] == [("2026-10-25 02:00:00+02:00", "2"), ("2026-10-25 02:00:00+01:00", "2")]


def test_csv_gives_a_spreadsheet_no_formula():
    text = files.make_csv(make_figures(HOSTILE)).decode()

    assert "'=cmd|" in text


def test_parquet_has_the_same_rows_with_their_types():
    figures = make_figures(HOSTILE)
    table = parquet.read_table(io.BytesIO(files.make_parquet(figures)))

    assert table.to_pylist() == figures.rows()
    assert [str(table.schema.field(name).type) for name in ("day", "hour", "detections")] == [
        "date32[day]",
        "timestamp[us, tz=UTC]",
        "int64",
    ]


def test_page_shows_labels_of_strangers_as_text():
    page = Page(files.make_html(make_figures(HOSTILE)).decode())

    assert page.tags["script"] == 0
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.texts
    assert "\\u202egnp.exe" in page.texts
    assert max(len(text) for text in page.texts if text.startswith("xxx")) == 40


def test_page_loads_nothing_and_has_a_table_for_every_plot():
    page = Page(files.make_html(make_figures()).decode())
    sources = [value or "" for name, value in page.attributes if name in ("src", "href")]

    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert page.tags["table"] >= page.tags["img"] == len([1 for name, _ in page.attributes if name == "alt"])


def test_plots_in_the_page_are_pictures_with_texts_and_no_program():
    page = files.make_html(make_figures(HOSTILE)).decode()
    for plot in re.findall(r"base64,([^\"]+)", page):
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(b64decode(plot)).iter()}  # noqa: S314
        assert "text" in names
        assert "script" not in names


def test_png_is_one_picture_of_all_plots():
    picture = Image.open(io.BytesIO(files.make_png(make_figures(HOSTILE))))

    assert (picture.format, picture.width, picture.height > picture.width) == ("PNG", 1210, True)


@pytest.mark.parametrize("make", [files.make_png, files.make_html, files.make_csv, files.make_parquet])
@pytest.mark.parametrize("hours", [0, 1])
def test_files_of_nothing_or_one_hour_are_files_too(make, hours):
    assert make(make_figures(hours=hours))


def test_plots_leave_out_a_camera_whose_clock_is_wrong():
    lost = datetime(1970, 1, 1, tzinfo=UTC)
    figures = make_figures()
    figures = Figures(Wanted(), ZONE, {**figures.hours, ("porch", lost): Tally(1, 1, 0.5)}, figures.mix)

    assert list_shown_days(figures) == [date(2026, 10, 25)]


def test_files_without_the_extra_say_what_to_install():
    script = """
import sys
sys.modules["pyarrow"] = sys.modules["matplotlib"] = None
from hub.errors import HubError
from hub.report import files
for make in (files.make_parquet, files.make_png, files.make_html):
    try:
        make(None)
    except HubError as error:
        print(error)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.count("pip install 'lenshub[report]'") == 3


def test_file_is_whole_or_as_it_was(tmp_path: Path):
    (tmp_path / "a.csv").write_text("before")
    (tmp_path / ".a.csv.unfinished").mkdir()
    with pytest.raises(OSError, match=r"/a\.csv'$"):
        files.write_whole(tmp_path / "a.csv", b"after")

    assert (tmp_path / "a.csv").read_text() == "before"


@pytest.mark.parametrize("name", [".", "", "..", "gone/a.csv"])
def test_place_where_no_file_can_be_is_refused_by_the_name_that_was_given(tmp_path: Path, name: str):
    place = tmp_path / name if "gone" in name else Path(name)
    with pytest.raises(HubError, match=f"^{re.escape(str(place))}: .*folder"):
        files.write_whole(place, b"after")


def test_label_that_xml_cannot_hold_is_escaped_in_plots():
    figures = make_figures(("a\ufffeb", "c\uffffd"))
    texts = list(ElementTree.fromstring(draw_svg(draw_labels, figures)).itertext())  # noqa: S314 - ours
    assert {"a\\ufffeb", "c\\uffffd"} <= {text.strip() for text in texts}

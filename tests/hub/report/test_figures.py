"""The figures are those that a few lines of plain Python get from the same records."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.decode.aliases import AliasTable
from hub.decode.deeplens import make_decoder
from hub.decode.limits import Limits
from hub.decode.message import Message
from hub.event import Detection, DroppedFrame, Frame
from hub.report.figures import Figures, count_figures
from hub.store.tallies import Wanted

ZONE = ZoneInfo("America/Chicago")
UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def write_published_records(folder: Path, count: int) -> None:
    """Write records as the published function put them into its bucket: json/record_<device>_<time>.json."""
    chance = random.Random(18)  # noqa: S311 - made-up records
    (folder / "json").mkdir()
    for number in range(count):
        device = chance.choice(["Seattle01", "Chicago01", "Chicago02"])
        moment = datetime(2018, 8, 16) + timedelta(seconds=number * 211 + chance.randrange(200))  # noqa: DTZ001
        seen = [
            {
                "index": at,
                "object": chance.choice(["thumbs-up", "thumbs-up", "fist"]),
                "confidence": chance.random(),
            }
            for at in range(chance.randrange(4))
        ]
        stamp = f"{moment:%Y%m%d-%H%M%S}"
        link = f"https://s3.amazonaws.com/bucket/images/image_{device}_{stamp}.jpg"
        record = {"device_id": device, "timestamp": stamp, "objects": seen, "link_to_img": link}
        (folder / "json" / f"record_{device}_{stamp}.json").write_text(json.dumps(record))


def read_published_records(folder: Path) -> list[tuple[str, str, str, str, float]]:
    """Return the published table, (day, hour, device, label, confidence), with nothing of ours."""
    records = [json.loads(path.read_text()) for path in sorted((folder / "json").iterdir())]
    return [
        (one["timestamp"][:8], one["timestamp"][9:11], one["device_id"], seen["object"], seen["confidence"])
        for one in records
        for seen in one["objects"]
    ]


def group(table: list[Any], *columns: int) -> dict[Any, tuple[int, float]]:
    """Return (detections, mean confidence) by the values of some columns."""
    groups = defaultdict(list)
    for row in table:
        groups[tuple(row[column] for column in columns)].append(row[4])
    return {key: (len(found), round(fmean(found), 9)) for key, found in groups.items()}


def told(figures: Figures, figure: str, *columns: str) -> dict[Any, tuple[int, float]]:
    """Return the same of a report's rows; those without detections are not in the published table."""
    written = {"day": "{:%Y%m%d}", "hour": "{:%H}"}
    return {
        tuple(written.get(name, "{}").format(row[name]) for name in columns): (
            row["detections"],
            round(row["mean_confidence"], 9),
        )
        for row in figures.rows()
        if row["figure"] == figure and row["detections"]
    }


@pytest.fixture
async def published(store: Any, arrivals: Any, soon: Any, tmp_path: Path) -> list[Any]:
    """The published table, of records that were decoded and stored as if the devices had sent them."""
    write_published_records(tmp_path, 1500)
    decode = make_decoder(AliasTable({}, ZONE), Limits())
    events = []
    for path in (tmp_path / "json").iterdir():
        topic = f"$aws/things/{path.name.split('_')[1]}/infer"
        events += decode(Message("mqtt", topic, path.read_bytes(), NOON)).events
    await soon(store.add(*(arrivals.plain(event) for event in events)), 60)
    return read_published_records(tmp_path)


async def test_figures_of_published_records_are_those_of_plain_python(published: Any, store: Any) -> None:
    figures = count_figures(store.readers, Wanted(), ZONE)

    assert told(figures, "all") == group(published)
    assert told(figures, "day", "day") == group(published, 0)
    assert told(figures, "hour", "day", "hour") == group(published, 0, 1)
    assert told(figures, "device", "device") == group(published, 2)
    assert told(figures, "device and day", "device", "day") == group(published, 2, 0)
    assert told(figures, "device and hour", "device", "day", "hour") == group(published, 2, 0, 1)
    assert told(figures, "label", "label") == group(published, 3)
    assert figures.all.events == 1500


@pytest.mark.parametrize(
    ("wanted", "keep"),
    [
        (Wanted(device="Chicago02"), lambda row: row[2] == "Chicago02"),
        (Wanted(label="fist"), lambda row: row[3] == "fist"),
        (Wanted(min_confidence=0.75), lambda row: row[4] >= 0.75),
        (Wanted(source="deeplens"), lambda row: True),
        (Wanted(source="edge"), lambda row: False),
        (
            Wanted(since=datetime(2018, 8, 17, tzinfo=ZONE), until=datetime(2018, 8, 18, tzinfo=ZONE)),
            lambda row: row[0] == "20180817",
        ),
        (
            Wanted("Seattle01", "fist", min_confidence=0.5),
            lambda row: row[2:4] == ("Seattle01", "fist") and row[4] >= 0.5,
        ),
    ],
)
async def test_figures_are_those_of_what_was_asked_for(
    published: Any, store: Any, wanted: Wanted, keep: Any
) -> None:
    figures = count_figures(store.readers, wanted, ZONE)
    table = [row for row in published if keep(row)]

    assert told(figures, "device and hour", "device", "day", "hour") == group(table, 2, 0, 1)
    assert told(figures, "label", "label") == group(table, 3)
    assert [count for _, _, count in figures.steps] == [
        sum(int(row[4] * 20) == step for row in table) for step in range(20)
    ]


async def test_event_is_counted_once_however_often_it_was_amended(
    store: Any, arrivals: Any, soon: Any
) -> None:
    event = arrivals.event(source="deeplens")
    await soon(
        store.add(arrivals.plain(event), arrivals.plain(event.model_copy(update={"kind": "amendment"})))
    )
    figures = count_figures(store.readers, Wanted(), UTC_ZONE)

    assert (figures.all.events, figures.all.detections) == (1, 1)
    assert figures.labels["thumbs-up"].detections == 1


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(label="cup"), Wanted(source="edge")])
async def test_figures_of_an_empty_store_are_nothing(store: Any, wanted: Wanted) -> None:
    figures = count_figures(store.readers, wanted, UTC_ZONE)

    assert (figures.all.events, figures.labels, figures.rows()[0]["mean_confidence"]) == (0, {}, None)


@pytest.fixture
async def pictured(store: Any, arrivals: Any, soon: Any) -> Any:
    """A store with an event whose frame is kept, one whose frame was dropped, and one that saw nothing."""
    cups = tuple(Detection(label="cup", confidence=c) for c in (0.2, 1.0, 0.05))
    kept = Frame(digest="0" * 64, width=64, height=48, media_type="image/jpeg")
    new = [
        arrivals.event(source="deeplens", frame=kept, detections=cups),
        arrivals.event(source="deeplens", frame=DroppedFrame(dropped="spool over quota"), detections=cups),
        arrivals.event(source="deeplens", detections=()),
    ]
    await soon(store.add(*map(arrivals.plain, new)))
    return store


@pytest.mark.parametrize(
    ("wanted", "counted"),
    [
        (Wanted(), (3, 6, 1, 1)),
        (Wanted(label="cup"), (2, 6, 1, 1)),
        (Wanted(min_confidence=0.1), (2, 4, 1, 1)),
        (Wanted(label="saucer"), (0, 0, 0, 0)),
    ],
)
async def test_frames_are_counted_once_whatever_was_seen_on_them(
    pictured: Any, wanted: Wanted, counted: tuple[int, ...]
) -> None:
    own = (count_figures(pictured.readers, wanted, UTC_ZONE)).all

    assert (own.events, own.detections, own.kept, own.dropped) == counted


async def test_full_confidence_is_in_the_last_step(pictured: Any) -> None:
    figures = count_figures(pictured.readers, Wanted(), UTC_ZONE)

    assert {low: count for low, _, count in figures.steps if count} == {0.05: 2, 0.2: 2, 0.95: 2}


async def test_labels_beyond_the_top_are_others(store: Any, arrivals: Any, soon: Any) -> None:
    seen = tuple(Detection(label=f"label {n:03}", confidence=0.5) for n in range(1000))
    await soon(store.add(arrivals.plain(arrivals.event(source="deeplens", detections=seen))))
    top, count, others = (count_figures(store.readers, Wanted(), UTC_ZONE)).top_labels(15)

    assert (next(iter(top)), len(top), count, others.detections) == ("label 000", 15, 985, 985)


async def test_half_an_hour_off_is_another_hour_on_the_clock(store: Any, arrivals: Any, soon: Any) -> None:
    moments = [NOON + timedelta(minutes=n) for n in (0, 29, 30, 59)]  # 17:30, 17:59, 18:00, 18:29 in India
    new = [arrivals.event(source="deeplens", captured_at=moment) for moment in moments]
    await soon(store.add(*map(arrivals.plain, new)))
    figures = count_figures(store.readers, Wanted(), ZoneInfo("Asia/Kolkata"))

    assert [(hour.hour, own.detections) for (_, hour), own in figures.hours.items()] == [(17, 2), (18, 2)]

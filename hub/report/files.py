"""The figures as files. Libraries are imported where a file needs them; they are the extra `report`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.errors import HubError
from hub.report.figures import COLUMNS, Figures

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def make_csv(figures: Figures) -> bytes:
    """Return every figure as CSV with a header; a text that a spreadsheet would run gets a `'` before it."""
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, COLUMNS)
    writer.writeheader()
    for row in figures.rows():
        writer.writerow({name: _as_cell(value) for name, value in row.items()})
    return made.getvalue().encode()


def _as_cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def make_parquet(figures: Figures) -> bytes:
    """Return the same rows as Parquet; `hour` is in UTC there, `day` the day on the clock."""
    with _needing("pyarrow"):
        import pyarrow as pa
        from pyarrow import parquet
    texts = ("figure", "device", "label", "instance", "operation", "month", "reason", "review", "reviewer")
    whole = (
        "events",
        "detections",
        "frames_kept",
        "frames_dropped",
        "calls",
        "batch",
        "pictures",
        "verdicts",
    )
    kinds = dict.fromkeys(COLUMNS, pa.float64()) | dict.fromkeys(texts, pa.string())
    kinds |= dict.fromkeys(whole, pa.int64()) | {"day": pa.date32(), "hour": pa.timestamp("us", "UTC")}
    table = pa.Table.from_pylist(figures.rows(), schema=pa.schema(list(kinds.items())))
    made = io.BytesIO()
    parquet.write_table(table, made)
    return made.getvalue()


def make_png(figures: Figures) -> bytes:
    """Return the plots as one picture."""
    with _needing("matplotlib"):
        from hub.report.plots import draw_png
    return draw_png(figures)


def make_html(figures: Figures) -> bytes:
    """Return one page with plots and tables that needs nothing else."""
    with _needing("matplotlib"):
        from hub.report.page import make_page
    return make_page(figures).encode()


@contextmanager
def _needing(library: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise HubError(
            f"this file needs {library} ({error}); install the extra: pip install 'lenshub[report]'"
        ) from error


def check_place(path: Path) -> None:
    """Raise HubError where no file can be: at a folder's place, or in a folder that is not there."""
    if path.is_dir():  # so is "" and "."
        raise HubError(f"{path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise HubError(f"{path}: {path.parent} is no folder; make it first")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that under its name there is either all of it or what was there before.

    Raises:
        HubError: It cannot be there.
        OSError: The disk is full, and the like; said of `path`.
    """
    check_place(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error

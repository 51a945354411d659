"""`lenshub report`: detections per day and hour, for all devices and each, with mean confidences."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    as_shown,
    complaints,
    console,
    plainly,
    print_json,
)
from hub.config import read_config
from hub.errors import ConfigError
from hub.report.figures import Figures, count_figures
from hub.report.terminal import print_report
from hub.store.overview import reading_in_threads
from hub.store.tallies import Wanted
from hub.store.tallying import add_up_here

ZoneOption = Annotated[
    str, typer.Option(help="Whose clock days and hours are of, such as Europe/Berlin or Asia/Kolkata.")
]


@plainly
def report(
    device: Annotated[str | None, typer.Option(help="Only of this device.")] = None,
    label: Annotated[str | None, typer.Option(help="Only detections with this label.")] = None,
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Only detections this confident.")
    ] = 0.0,
    since: Annotated[
        datetime | None, typer.Option(help="Only captured at this time of --timezone or later.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Only captured before this time of --timezone.")
    ] = None,
    timezone: ZoneOption = "UTC",
    html: Annotated[Path | None, typer.Option(help="Write a page with plots and tables.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the plots as one picture.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every figure as rows.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the same rows as Parquet.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell how much was seen, when, by whom and how surely: per day, and per hour of each day.

    A detection is one label on one picture; an event may have several, or none. Hours are those of the
    clock on the wall in --timezone: a day has 25 or 23 of them when clocks are changed.

    Examples:

    lenshub report --since 2026-11-01 --timezone Europe/Berlin

    lenshub report --label thumbs-up --min-confidence 0.9 --png week.png

    lenshub report --html report.html --csv report.csv --parquet report.parquet
    """
    zone = _read_zone(timezone)
    wanted = Wanted(device, label, source, min_confidence, _in(zone, since), _in(zone, until))
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise ConfigError(f"--until {until} is not after --since {since}")
    _check_places([path for path in (html, png, csv, parquet) if path is not None])
    data_dir = read_config(config).hub.data_dir
    add_up_here(data_dir)
    with reading_in_threads(data_dir) as engine:
        figures = count_figures(engine, wanted, zone)
    written = _write(figures, html, png, csv, parquet)
    if json:
        print_json(figures.rows())
    elif not written:
        print_report(console, figures)
    for path in written:
        complaints.print(as_shown(f"wrote {path}"))


def _read_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"--timezone: there is no zone {name!r}; names are like Europe/Berlin, America/New_York, UTC"
        ) from error


def _in(zone: ZoneInfo, moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise ConfigError(f"{moment}: outside the years 1 to 9999 in UTC") from error


def _check_places(paths: list[Path]) -> None:
    from hub.report.files import check_place

    for path in paths:
        if paths.count(path) > 1:
            raise ConfigError(f"{path}: two files of one name were asked for")
        check_place(path)


def _write(
    figures: Figures, html: Path | None, png: Path | None, csv: Path | None, parquet: Path | None
) -> list[Path]:
    """Write what was asked for; the libraries for it are imported here only."""
    from hub.report import files

    asked = [
        (html, files.make_html),
        (png, files.make_png),
        (csv, files.make_csv),
        (parquet, files.make_parquet),
    ]
    made = [(path, make(figures)) for path, make in asked if path is not None]
    for path, content in made:
        files.write_whole(path, content)
    return [path for path, _ in made]

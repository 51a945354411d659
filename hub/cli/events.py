"""`lenshub events`: what was seen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from hub.cli.shared import ConfigOption, JsonOption, LimitOption, plainly, print_json, print_table, read_store
from hub.event import DroppedFrame, Event
from hub.store.log import EventFilter, EventLog
from hub.wire.cloudevent import wrap_event

MOST_SEEN = 20


class Format(StrEnum):
    """How events are printed."""

    TABLE = "table"
    JSON = "json"
    CLOUDEVENTS = "cloudevents"


@plainly
def events(
    device: Annotated[str | None, typer.Option(help="Only of this device.")] = None,
    label: Annotated[str | None, typer.Option(help="Only with this label.")] = None,
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Only with a detection this confident.")
    ] = 0.0,
    since: Annotated[datetime | None, typer.Option(help="Only captured at this time (UTC) or later.")] = None,
    limit: LimitOption = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(help="How to print them; cloudevents is a batch of CloudEvents 1.0.")
    ] = Format.TABLE,
) -> None:
    """List stored events, newest first.

    Example: lenshub events --label thumbs-up --min-confidence 0.9 --since 2026-11-20
    """
    wanted = EventFilter(device, label, source, in_utc(since), min_confidence)
    found = asyncio.run(read_store(config, lambda engine: EventLog(engine).newest(wanted, limit)))
    if format is Format.CLOUDEVENTS:
        print_json([wrap_event(event) for event in found])
        return
    if json or format is Format.JSON:
        print_json([event.model_dump(mode="json") for event in found])
        return
    print_table("Events", ("id", "captured (UTC)", "device", "source", "seen", "frame"), map(_row, found))


def in_utc(moment: datetime | None) -> datetime | None:
    """Return a moment of the command line, which is in UTC where it does not say otherwise."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def list_seen(event: Event) -> str:
    """Return what an event saw, for people, who do not read a thousand labels."""
    seen = [f"{d.label} {d.confidence:.2%}" for d in event.detections[:MOST_SEEN]]
    more = len(event.detections) - len(seen)
    return ", ".join(seen) + f" and {more:,} more" * (more > 0) or "nothing"


def _row(event: Event) -> tuple[str, ...]:
    if event.frame is None:
        frame = "none"
    elif isinstance(event.frame, DroppedFrame):
        frame = f"dropped: {event.frame.dropped}"
    else:
        frame = f"{event.frame.width} x {event.frame.height}"
    moment = f"{event.captured_at:%Y-%m-%d %H:%M:%S}"
    return str(event.id), moment, event.device, event.source, list_seen(event), frame

"""Writes one batch in one transaction: events, detections, devices, lines, cursors, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Insert, Table, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert_insert

from hub.decode.message import Status
from hub.event import Event
from hub.store import schema
from hub.store.admission import Admission, Admitted
from hub.store.arrival import Arrival
from hub.store.image_links import write_links
from hub.store.row_insert import insert_rows
from hub.store.rows import Row, add_amends, detection_rows, event_row, message_row, quarantine_row
from hub.store.sessions import write_recent
from hub.store.settlement import Settlement
from hub.wire.protocol import CHECKED

HISTORY_ROWS = 200
"""How many rows of a device's history are kept."""
_STATES = {"online", "offline", "error"}


@dataclass(frozen=True, slots=True)
class NextIds:
    """The ids that the next event and message get."""

    event: int
    message: int


def upsert(table: Table, keys: Sequence[str], changed: Sequence[str]) -> Insert:
    """Return what inserts rows, and brings `changed` up to date of those whose `keys` are there."""
    statement = upsert_insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in changed}
    )


_MESSAGE, _EVENT, _DETECTION = insert(schema.messages), insert(schema.events), insert(schema.detections)
_QUARANTINE, _GAP, _HISTORY = insert(schema.quarantine), insert(schema.gaps), insert(schema.device_history)
_LINE = upsert(schema.epochs, ("device", "epoch"), ("committed", "stale", "early"))
_SEEN = upsert(schema.devices, ("name",), ("last_seen_at",))
_GREETED = upsert(schema.devices, ("name",), ("last_seen_at", "agent", "models", "clock_skew_s"))
_HEALTH = upsert(schema.devices, ("name",), ("last_seen_at", "health", "health_at"))
_STATE = upsert(schema.devices, ("name",), ("last_seen_at", "state", "state_text", "state_at"))
_CURSOR = upsert(
    schema.cursors, ("plugin", "partition", "run_id"), ("position", "done", "filtered", "updated_at")
)
_DELIVERY = upsert(
    schema.deliveries,
    ("plugin", "event_id", "run_id"),
    ("outcome", "attempt", "reason", "note", "due_at", "updated_at"),
)


def write_events(
    connection: Connection, admitted: Sequence[Admitted], ids: NextIds
) -> tuple[list[Event], NextIds]:
    """Insert admitted events with their detections and original bytes.

    Returns:
        The stored events, in order of id, and the ids that follow once this is committed.
    """
    stored: list[Event] = []
    message_rows: list[Row] = []
    event_rows: list[Row] = []
    found: list[Row] = []
    arrival: Arrival | None = None
    for number, item in enumerate(admitted):
        if item.arrival is not arrival:  # the events of one message stand next to each other
            arrival = item.arrival
            message_rows.append(message_row(ids.message + len(message_rows), arrival))
        event = Event.from_new(item.event, ids.event + number, arrival.message.received_at, item.amends)
        stored.append(event)
        event_rows.append(event_row(event, ids.message + len(message_rows) - 1))
        found += detection_rows(event)
    insert_rows(connection, _MESSAGE, message_rows)
    add_amends(event_rows, stored)
    insert_rows(connection, _EVENT, event_rows)
    insert_rows(connection, _DETECTION, found)
    return stored, NextIds(ids.event + len(stored), ids.message + len(message_rows))


def write_lines(connection: Connection, admission: Admission) -> None:
    """Bring lines up to date and keep what was refused and what is missing."""
    now = datetime.now(UTC)
    refused = [quarantine_row(item.arrival, item.error.code, item.error.reason) for item in admission.refused]
    insert_rows(connection, _QUARANTINE, refused)
    lines: list[Row] = [
        {
            "device": device,
            "epoch": epoch,
            "committed": line.committed,
            "stale": line.stale,
            "early": line.early,
            "first_seen_at": now,
        }
        for (device, epoch), line in admission.lines.items()
    ]
    insert_rows(connection, _LINE, lines)
    gaps: list[Row] = [
        {"device": device, "reported_at": at, **gap.model_dump()} for device, gap, at in admission.gaps
    ]
    insert_rows(connection, _GAP, gaps)


def write_devices(connection: Connection, admission: Admission, seen: set[str]) -> None:
    """Bring the device table and its history up to date; `seen` are the devices whose sighting is due."""
    sightings: list[Row] = [
        {"name": name, "first_seen_at": at, "last_seen_at": at}
        for name, at in admission.seen.items()
        if name in seen
    ]
    insert_rows(connection, _SEEN, sightings)
    greeted: list[Row] = [
        {
            "name": device,
            "first_seen_at": at,
            "last_seen_at": at,
            "agent": hello.agent,
            "models": [model.model_dump() for model in hello.models],
            "clock_skew_s": admission.new_skews[device],
        }
        for device, (hello, at) in admission.hellos.items()
    ]
    insert_rows(connection, _GREETED, greeted)
    insert_rows(connection, _HEALTH, _health_rows(admission.statuses))
    said = [*admission.statuses, *admission.links.given_up, *_told_by_lines(admission)]
    statuses = _news(connection, said)
    insert_rows(connection, _STATE, [_state_row(status) for status in statuses if status.kind in _STATES])
    _write_history(connection, statuses)


def write_plain_state(connection: Connection, admission: Admission) -> None:
    """Keep what plain messages leave behind: the links that wait, and what a repeat is known by."""
    write_links(connection, admission.links.news)
    for session, recent in admission.recents.items():
        write_recent(connection, session, recent)


def _told_by_lines(admission: Admission) -> list[Status]:
    told = [
        Status(
            device=device,
            kind="gap",
            text=f"records {gap.first} to {gap.last} of {gap.epoch} are gone: {gap.reason}",
            at=at,
        )
        for device, gap, at in admission.gaps
    ]
    for device, (_, at) in admission.hellos.items():
        skew, before = admission.new_skews[device], admission.skews.get(device, 0.0)
        if abs(skew - before) > 1.0:
            text = f"clock is {skew:.0f} s behind the hub's" if skew else "clock agrees with the hub's again"
            told.append(Status(device=device, kind="clock_skew", text=text, at=at))
    return told


def _news(connection: Connection, statuses: list[Status]) -> list[Status]:
    """Leave out a state that the device already has: retained messages come again at each connection.

    What a check leaves counts only where the device is taken for online: it may never have run.
    """
    names = {status.device for status in statuses if status.kind in _STATES}
    if not names:
        return statuses
    table = schema.devices
    rows = connection.execute(
        select(table.c.name, table.c.state, table.c.state_text).where(table.c.name.in_(names))
    )
    now: dict[str, tuple[Any, Any]] = {row.name: (row.state, row.state_text) for row in rows}
    news = []
    for status in statuses:
        if status.kind in _STATES:
            before = now.get(status.device, (None, None))
            is_check = (status.kind, status.text) == ("offline", CHECKED)
            if before == (status.kind, status.text) or (is_check and before[0] != "online"):
                continue
            now[status.device] = (status.kind, status.text)
        news.append(status)
    return news


def _health_rows(statuses: Sequence[Status]) -> list[Row]:
    newest = {status.device: status for status in statuses if status.health is not None}
    return [
        {
            "name": status.device,
            "first_seen_at": status.at,
            "last_seen_at": status.at,
            "health": status.health.model_dump(exclude_none=True),
            "health_at": status.at,
        }
        for status in newest.values()
        if status.health is not None
    ]


def _state_row(status: Status) -> Row:
    return {
        "name": status.device,
        "first_seen_at": status.at,
        "last_seen_at": status.at,
        "state": status.kind,
        "state_text": status.text,
        "state_at": status.at,
    }


def _write_history(connection: Connection, statuses: list[Status]) -> None:
    table = schema.device_history
    rows: list[Row] = [
        {"device": status.device, "kind": status.kind, "text": status.text, "at": status.at}
        for status in statuses
    ]
    insert_rows(connection, _HISTORY, rows)
    for device in sorted({status.device for status in statuses}):
        own = table.c.device == device
        oldest_kept = (
            select(table.c.id).where(own).order_by(table.c.id.desc()).offset(HISTORY_ROWS - 1).limit(1)
        )
        connection.execute(delete(table).where(own, table.c.id < oldest_kept.scalar_subquery()))


def write_settlements(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Move cursors and write the rows of deliveries."""
    now = datetime.now(UTC)
    cursors: list[Row] = [
        {
            "plugin": settled.plugin,
            "partition": settled.partition,
            "run_id": settled.run_id,
            "start": settled.position,
            "position": settled.position,
            "done": settled.done,
            "filtered": settled.filtered,
            "updated_at": now,
        }
        for settled in settlements
    ]
    insert_rows(connection, _CURSOR, cursors)
    rows: list[Row] = [
        {
            "plugin": settled.plugin,
            "event_id": row.event_id,
            "run_id": settled.run_id,
            "outcome": row.outcome,
            "attempt": row.attempt,
            "reason": row.reason,
            "note": row.note,
            "due_at": row.due_at,
            "updated_at": row.updated_at,
        }
        for settled in settlements
        for row in settled.rows
    ]
    insert_rows(connection, _DELIVERY, rows)
    for settled in settlements:
        if settled.memory is not None:
            settled.memory.write(connection)

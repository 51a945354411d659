"""Puts events back into an empty store, under the ids they had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from hub.errors import StoreError
from hub.event import Event, Frame
from hub.store import schema
from hub.store.batch import upsert
from hub.store.database import database_path, hub_lock, open_write_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.plugin_state import open_cursor
from hub.store.quarters import forget_sums
from hub.store.row_insert import insert_rows
from hub.store.rows import Row, add_amends, detection_rows, event_row

UNFINISHED = "restoring"
"""This file is there from the beginning of a restoration to its end; its text says from where."""

_EDGE_KEY = re.compile(r"edge:([^/]+)/([0-9a-f]+)/([0-9]{1,18})")
_MESSAGE, _EVENT, _DETECTION = insert(schema.messages), insert(schema.events), insert(schema.detections)
_LINE = upsert(schema.epochs, ("device", "epoch"), ("committed",))

Restored = tuple[Event, bytes, bytes | None]
"""An event, the bytes that stand for its message, and its frame's."""


@contextmanager
def restoring(data_dir: Path, origin: str) -> Iterator[Restoration]:
    """Hold the store while events are put back; blocks, as does everything that it gives.

    Raises:
        StoreError: A hub uses the store, or it has events that are not of an unfinished restoration.
    """
    with hub_lock(data_dir):
        upgrade(data_dir)
        marker, engine = data_dir / UNFINISHED, open_write_engine(data_dir)
        try:
            with engine.begin() as connection:
                _check_empty(connection, marker, origin, data_dir)
                forget_sums(connection)  # events come back in any order of their ids
            marker.write_text(origin)
            yield Restoration(lambda work: _transact(engine, work, data_dir), data_dir)
            marker.unlink()
        finally:
            engine.dispose()


def _transact(engine: Engine, work: Callable[[Connection], int], data_dir: Path) -> int:
    try:
        with engine.begin() as connection:
            return work(connection)
    except DBAPIError as error:
        raise StoreError(f"{database_path(data_dir)}: {error.orig}") from error


def _check_empty(connection: Connection, marker: Path, origin: str, data_dir: Path) -> None:
    count = connection.execute(select(func.count()).select_from(schema.events)).scalar_one()
    begun = marker.read_text() if marker.exists() else ""
    if begun and begun != origin:
        raise StoreError(
            f"{data_dir}: a restoration from {begun} was not finished here; finish that one, or take "
            "an empty data_dir"
        )
    if count and not begun:
        raise StoreError(f"{data_dir}: has {count} events already; restore into an empty data_dir")


class Restoration:
    """A store that is being filled."""

    def __init__(self, transact: Callable[[Callable[[Connection], int]], int], data_dir: Path) -> None:
        self._transact = transact
        self._frames = FrameStore(data_dir / "frames")

    def add(self, restored: Sequence[Restored]) -> int:
        """Put events back that are not there yet; return how many. Frames are on the disk before that.

        Raises:
            StoreError: The database refuses.
            OSError: A frame cannot be written.
        """
        self._frames.add_all(
            (event.device, event.frame, picture)
            for event, _, picture in restored
            if picture is not None and isinstance(event.frame, Frame)
        )
        return self._transact(lambda connection: _add(connection, restored))

    def finish(self, plugin: str) -> int:
        """Say how far each agent's records are stored, and that `plugin` has done all; return how many.

        An agent that still has some records is then told so, and does not send them again.
        """
        return self._transact(lambda connection: _finish(connection, plugin))


def _add(connection: Connection, restored: Sequence[Restored]) -> int:
    ids = [event.id for event, _, _ in restored]
    there = set(connection.execute(select(schema.events.c.id).where(schema.events.c.id.in_(ids))).scalars())
    new = {event.id: (event, record) for event, record, _ in restored if event.id not in there}
    insert_rows(connection, _MESSAGE, [_message_row(event, record) for event, record in new.values()])
    rows = [event_row(event, event.id) for event, _ in new.values()]
    add_amends(rows, [event for event, _ in new.values()])
    insert_rows(connection, _EVENT, rows)
    insert_rows(connection, _DETECTION, [row for event, _ in new.values() for row in detection_rows(event)])
    return len(new)


def _message_row(event: Event, record: bytes) -> Row:
    """Return what stands for the original bytes, which an archive does not keep."""
    return {
        "id": event.id,
        "source": event.source,
        "topic": "archive",
        "payload": record,
        "received_at": event.received_at,
        "mid": None,
        "session": None,
        "duplicate": False,
    }


def _finish(connection: Connection, plugin: str) -> int:
    events = schema.events
    _write_lines(connection)
    _write_devices(connection)
    newest, count = connection.execute(select(func.max(events.c.id), func.count(events.c.id))).one()
    open_cursor(connection, plugin, 0)
    own = schema.cursors.c.plugin == plugin
    connection.execute(update(schema.cursors).where(own).values(position=newest or 0, done=count))
    return int(count)


def _write_lines(connection: Connection) -> None:
    key, received_at = schema.events.c.key, schema.events.c.received_at
    lines: dict[tuple[str, str], tuple[int, datetime]] = {}
    for text, at in connection.execute(select(key, received_at).where(key.like("edge:%"))):
        if found := _EDGE_KEY.fullmatch(text):
            line, seq = (found[1], found[2]), int(found[3])
            before = lines.get(line, (0, at))
            lines[line] = max(before[0], seq), min(before[1], at)
    rows: list[Row] = [
        {"device": device, "epoch": epoch, "committed": seq, "stale": 0, "early": 0, "first_seen_at": at}
        for (device, epoch), (seq, at) in lines.items()
    ]
    insert_rows(connection, _LINE, rows)


def _write_devices(connection: Connection) -> None:
    events, devices = schema.events, schema.devices
    seen = select(events.c.device, func.min(events.c.received_at), func.max(events.c.received_at))
    new = seen.where(events.c.device.not_in(select(devices.c.name))).group_by(events.c.device)
    columns = ("name", "first_seen_at", "last_seen_at")
    connection.execute(insert(devices).from_select(columns, new))

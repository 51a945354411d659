"""Rows inserted the short way are the rows that SQLAlchemy's own way would have written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from hub.store import schema
from hub.store.database import open_engine, upgrade
from hub.store.row_insert import insert_rows

JAPAN = timezone(timedelta(hours=9))
NOW = datetime(2026, 11, 21, 12, 30, 0, 1, tzinfo=UTC)
MESSAGE = {"id": 1, "source": "mqtt", "topic": "い", "payload": b"\x00\xff", "received_at": NOW}
MESSAGES = [
    MESSAGE | {"mid": 7, "session": "s", "duplicate": True},
    MESSAGE | {"id": 2, "mid": None, "session": None, "duplicate": False},
]
NO_FRAME = dict.fromkeys(name for name in schema.events.c.keys() if name.startswith("frame_"))  # noqa: SIM118
EVENT = {"id": 1, "kind": "event", "key": "k", "source": "edge", "device": "d", "received_at": NOW}
EVENTS = [
    EVENT
    | NO_FRAME
    | {
        "captured_at": NOW.astimezone(JAPAN),
        "model_name": "m",
        "model_version": "1",
        "attributes": {"a": [1, None, "い"]},
        "message_id": 1,
    }
]
DETECTION = {"event_id": 1, "label": "x", "class_id": None, "track": None, "attributes": {}}
BOX = {"box_left": 0.25, "box_top": -1, "box_width": 0.5, "box_height": 0}
DETECTIONS = [
    DETECTION | BOX | {"position": 0, "confidence": 1},
    DETECTION | dict.fromkeys(BOX) | {"position": 1, "confidence": 0.5},
]
TABLES = [(schema.messages, MESSAGES), (schema.events, EVENTS), (schema.detections, DETECTIONS)]


@pytest.fixture
async def connection(tmp_path):
    upgrade(tmp_path)
    engine = open_engine(tmp_path)
    async with engine.connect() as opened:
        yield opened
    await engine.dispose()


async def stored(connection):
    """Return what the tables hold, with SQLite's own types, and forget it."""
    found = []
    for table, _ in TABLES:
        typed = ", ".join(f'"{name}", typeof("{name}")' for name in table.c.keys())  # noqa: SIM118
        found += (await connection.execute(text(f"SELECT {typed} FROM {table.name}"))).all()  # noqa: S608
    await connection.rollback()
    return found


async def test_insert_rows_writes_what_sqlalchemy_would_write(connection):
    for table, rows in TABLES:
        await connection.execute(insert(table), rows)
    expected = await stored(connection)
    for table, rows in TABLES:
        await insert_rows(connection, table, rows)

    assert await stored(connection) == expected
    assert len(expected) == 5


async def test_insert_rows_does_nothing_without_rows(connection):
    await insert_rows(connection, schema.events, [])

    assert await stored(connection) == []


async def test_insert_rows_reports_what_the_database_refuses(connection):
    with pytest.raises(IntegrityError):
        await insert_rows(connection, schema.messages, [MESSAGES[0], MESSAGES[0]])


async def test_insert_rows_reports_what_a_type_cannot_hold(connection):
    with pytest.raises(ValueError, match="serialize"):
        await insert_rows(connection, schema.events, [EVENTS[0] | {"attributes": object()}])

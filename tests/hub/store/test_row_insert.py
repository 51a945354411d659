"""Rows inserted the short way are the rows that SQLAlchemy's own way would have written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.sqlite import insert as upsert_insert
from sqlalchemy.exc import IntegrityError

from hub.store import schema
from hub.store.database import open_write_engine, upgrade
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
def connection(tmp_path):
    upgrade(tmp_path)
    engine = open_write_engine(tmp_path)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def stored(connection):
    """Return what the tables hold, with SQLite's own types, and forget it."""
    found = []
    for table, _ in TABLES:
        typed = ", ".join(f'"{name}", typeof("{name}")' for name in table.c.keys())  # noqa: SIM118
        found += connection.execute(text(f"SELECT {typed} FROM {table.name}")).all()  # noqa: S608
    connection.rollback()
    return found


def test_insert_rows_writes_what_sqlalchemy_would_write(connection):
    for table, rows in TABLES:
        connection.execute(insert(table), rows)
    expected = stored(connection)
    for table, rows in TABLES:
        insert_rows(connection, insert(table), rows)

    assert stored(connection) == expected
    assert len(expected) == 5


def test_insert_rows_brings_a_row_up_to_date_where_the_statement_says_so(connection):
    statement = upsert_insert(schema.messages).on_conflict_do_update(
        index_elements=["id"], set_={"topic": upsert_insert(schema.messages).excluded.topic}
    )
    insert_rows(connection, statement, [MESSAGES[0]])
    insert_rows(connection, statement, [MESSAGES[0] | {"topic": "again", "mid": 8}])

    assert connection.execute(select(schema.messages.c.topic, schema.messages.c.mid)).all() == [("again", 7)]


def test_insert_rows_does_nothing_without_rows(connection):
    insert_rows(connection, insert(schema.events), [])

    assert stored(connection) == []


def test_insert_rows_reports_what_the_database_refuses(connection):
    with pytest.raises(IntegrityError):
        insert_rows(connection, insert(schema.messages), [MESSAGES[0], MESSAGES[0]])


def test_insert_rows_reports_what_a_type_cannot_hold(connection):
    with pytest.raises(ValueError, match="serialize"):
        insert_rows(connection, insert(schema.events), [EVENTS[0] | {"attributes": object()}])

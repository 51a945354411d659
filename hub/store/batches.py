"""The batches of instances whose model is started for the pictures that wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue
from sqlalchemy import Connection, insert, select, update

from hub.store.schema import batches

BatchState = Literal["beginning", "running", "ending", "ended"]


@dataclass(slots=True)
class BatchRow:
    """One batch as it stands."""

    id: int
    state: BatchState
    backlog: int
    began_at: datetime
    memory: dict[str, JsonValue] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that has not ended, whoever's."""

    plugin: str
    number: int
    began_at: datetime


def list_open(connection: Connection) -> list[OpenBatch]:
    """Return the batches that have not ended, oldest first."""
    wanted = select(batches.c.plugin, batches.c.id, batches.c.began_at).where(batches.c.state != "ended")
    return [OpenBatch(*row) for row in connection.execute(wanted.order_by(batches.c.id))]


def read_open(connection: Connection, plugin: str) -> BatchRow | None:
    """Return the batch of an instance that has not ended, or None."""
    own = select(batches).where(batches.c.plugin == plugin, batches.c.state != "ended")
    row = connection.execute(own.order_by(batches.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return BatchRow(row.id, row.state, row.backlog, row.began_at, dict(row.memory), row.note)


def begin_batch(connection: Connection, plugin: str, backlog: int, now: datetime) -> BatchRow:
    """Write a batch down before anything is started for it."""
    values: dict[str, Any] = {
        "plugin": plugin,
        "state": "beginning",
        "backlog": backlog,
        "memory": {},
        "note": "",
        "began_at": now,
    }
    number = connection.execute(insert(batches).returning(batches.c.id), values).scalar_one()
    return BatchRow(number, "beginning", backlog, now)


def write_batch(connection: Connection, row: BatchRow, ended_at: datetime | None = None) -> None:
    """Write down how a batch stands."""
    values = {"state": row.state, "memory": row.memory, "note": row.note[:2000], "ended_at": ended_at}
    connection.execute(update(batches).where(batches.c.id == row.id).values(values))

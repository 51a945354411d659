"""Which plugin instances are paused, and why."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from hub.store.schema import pauses


def read_pause(connection: Connection, plugin: str) -> str | None:
    """Return why an instance is paused, or None if it is not."""
    found: str | None = connection.execute(
        select(pauses.c.reason).where(pauses.c.plugin == plugin)
    ).scalar_one_or_none()
    return found


def add_pause(connection: Connection, plugin: str, reason: str) -> bool:
    """Pause an instance; return False if it was paused already, for whatever reason."""
    statement = insert(pauses).values(plugin=plugin, reason=reason, since=datetime.now(UTC))
    return connection.execute(statement.on_conflict_do_nothing()).rowcount > 0


def end_pause(connection: Connection, plugin: str) -> bool:
    """Let an instance go on; return False if it was not paused."""
    return connection.execute(delete(pauses).where(pauses.c.plugin == plugin)).rowcount > 0

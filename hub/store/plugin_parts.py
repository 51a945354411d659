"""What the store remembers of the parts of an instance beside its deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.sqlite import insert as upsert_insert

from hub.store.schema import plugin_parts

Reports = Mapping[str, tuple[bool, str]]
"""By part, such as `decode` or `source inbox`: whether all is well, and a line of text."""


def forget_parts(connection: Connection, plugin: str) -> None:
    """Forget what an earlier run said."""
    connection.execute(delete(plugin_parts).where(plugin_parts.c.plugin == plugin))


def note_parts(connection: Connection, plugin: str, reports: Reports) -> None:
    """Remember how some parts of an instance are doing, each with the time from which it holds."""
    now = datetime.now(UTC)
    for part, (well, text) in reports.items():
        row = {"plugin": plugin, "part": part, "well": well, "text": text, "since": now}
        statement = upsert_insert(plugin_parts).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["plugin", "part"], set_=row))

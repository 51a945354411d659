"""Keeps the broker's sessions: what they are called here, and the last plain messages of each."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert_insert

from hub.store import schema
from hub.store.recent import WINDOW, Recent, pack_entries, unpack_entries
from hub.store.row_insert import insert_rows

_sessions, _recent = schema.sessions, schema.recent_messages
_ADD = insert(_recent)


def open_session(connection: Connection, place: str, *, resumed: bool) -> str:
    """Return the name of the session at a place; one that the broker did not resume gets a new name.

    Args:
        place: The broker and our client id.
        resumed: The broker said that it kept the session.
    """
    known = connection.execute(select(_sessions.c.name).where(_sessions.c.place == place))
    name: str | None = known.scalar()
    if resumed and name is not None:
        return name
    name = secrets.token_hex(8)
    row = {"place": place, "name": name, "began_at": datetime.now(UTC)}
    statement = upsert_insert(_sessions).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["place"], set_=row))
    connection.execute(delete(_recent).where(_recent.c.session.not_in(select(_sessions.c.name))))
    return name


def write_recent(connection: Connection, session: str, recent: Recent) -> None:
    """Write what came since it was last written; seldom anything while only numbered records come."""
    if recent.broken:
        connection.execute(delete(_recent).where(_recent.c.session == session))
    if recent.is_due:
        row = {
            "session": session,
            "run": recent.run,
            "last": recent.last,
            "entries": pack_entries(recent.added),
        }
        insert_rows(connection, _ADD, [row])
    if recent.is_crowded:
        old = _recent.c.run <= recent.run - WINDOW
        connection.execute(delete(_recent).where(_recent.c.session == session, old))


def read_recent(connection: Connection) -> dict[str, Recent]:
    """Return the last messages of every session that has a name."""
    found = {name: Recent() for name in (connection.execute(select(_sessions.c.name))).scalars()}
    for row in connection.execute(select(_recent).order_by(_recent.c.id)):
        if recent := found.get(row.session):
            recent.run = recent.written = row.run
            recent.last = row.last
            recent.entries |= {mid: (row.run, digest) for mid, digest in unpack_entries(row.entries).items()}
    return found

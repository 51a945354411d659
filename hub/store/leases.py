"""Who has which event before him; a lease that has run out is free for others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from hub.store.schema import leases

_LEASE = insert(leases)
_RENEW = _LEASE.on_conflict_do_update(
    index_elements=["event_id", "reviewer"], set_={"until": _LEASE.excluded.until}
)


def lease(connection: Connection, reviewer: str, event_ids: Iterable[int], until: datetime) -> None:
    """Give events to a reviewer until then."""
    rows = [{"event_id": one, "reviewer": reviewer, "until": until} for one in event_ids]
    if rows:
        connection.execute(_RENEW, rows)


def find_holder(connection: Connection, event_id: int, reviewer: str, now: datetime) -> str | None:
    """Return who else has an event before him."""
    other = (leases.c.event_id == event_id, leases.c.reviewer != reviewer, leases.c.until > now)
    found: str | None = connection.execute(select(leases.c.reviewer).where(*other).limit(1)).scalar()
    return found


def release(connection: Connection, reviewer: str, event_id: int | None = None) -> None:
    """Give back an event, or all that a reviewer holds."""
    own = leases.c.reviewer == reviewer
    connection.execute(
        delete(leases).where(own if event_id is None else own & (leases.c.event_id == event_id))
    )


def drop_old(connection: Connection, now: datetime) -> None:
    """Forget what has run out."""
    connection.execute(delete(leases).where(leases.c.until <= now))


def count_held(connection: Connection, now: datetime) -> dict[str, int]:
    """Return how many events each reviewer holds."""
    held = select(leases.c.reviewer, func.count()).where(leases.c.until > now).group_by(leases.c.reviewer)
    return {row[0]: row[1] for row in connection.execute(held)}

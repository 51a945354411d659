"""Gives deliveries that failed another set of attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from hub.store.schema import deliveries
from hub.store.settlement import LIVE_RUN, Outcome

MOST = 10_000
"""How many deliveries are renewed at once."""


def list_failed(
    connection: Connection, plugin: str, outcomes: Sequence[Outcome], event_id: int | None
) -> list[int]:
    """Return the events whose delivery has one of the outcomes, oldest first; `event_id`: only that one."""
    statement = select(deliveries.c.event_id).where(
        deliveries.c.plugin == plugin,
        deliveries.c.run_id == LIVE_RUN,
        deliveries.c.outcome.in_(outcomes),
    )
    if event_id is not None:
        statement = statement.where(deliveries.c.event_id == event_id)
    return list(connection.execute(statement.order_by(deliveries.c.event_id).limit(MOST)).scalars())


def read_outcome(connection: Connection, plugin: str, event_id: int) -> str | None:
    """Return the outcome in a delivery's row, or None where it has no row."""
    own = (deliveries.c.plugin == plugin, deliveries.c.event_id == event_id, deliveries.c.run_id == LIVE_RUN)
    found: str | None = connection.execute(select(deliveries.c.outcome).where(*own)).scalar_one_or_none()
    return found


def renew(connection: Connection, plugin: str, event_ids: Sequence[int]) -> None:
    """Let deliveries be tried again at once, with all their attempts before them."""
    now = datetime.now(UTC)
    for event_id in event_ids:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.plugin == plugin,
                deliveries.c.run_id == LIVE_RUN,
                deliveries.c.event_id == event_id,
            )
            .values(outcome="retrying", attempt=0, due_at=now, updated_at=now)
        )

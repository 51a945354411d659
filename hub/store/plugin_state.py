"""What the store remembers of plugin instances: where they start, which match held when, whether they run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert_insert

from hub.errors import StoreError
from hub.store.schema import cursors, deliveries, plugin_revisions, plugin_states
from hub.store.settlement import ASIDE, LIVE_RUN, DeliveryRow, Standing

PluginState = Literal["running", "restarting", "failed", "paused", "probing", "held back"]


def open_cursor(connection: Connection, plugin: str, start: int, run_id: str = LIVE_RUN) -> Standing:
    """Return where an instance, or a replay of it, stands; one never seen before gets a cursor at `start`."""
    found = (
        connection.execute(
            select(cursors).where(
                cursors.c.plugin == plugin, cursors.c.partition == 0, cursors.c.run_id == run_id
            )
        )
    ).one_or_none()
    if found is None:
        connection.execute(
            insert(cursors).values(
                plugin=plugin,
                partition=0,
                run_id=run_id,
                start=start,
                position=start,
                done=0,
                filtered=0,
                updated_at=datetime.now(UTC),
            )
        )
        return Standing(start)
    rows = connection.execute(
        select(deliveries).where(
            deliveries.c.plugin == plugin,
            deliveries.c.run_id == run_id,
            deliveries.c.outcome.in_(ASIDE),
        )
    )
    aside = tuple(
        DeliveryRow(r.event_id, r.outcome, r.attempt, r.updated_at, r.reason, r.note, r.due_at) for r in rows
    )
    return Standing(found.position, found.done, found.filtered, aside)


def list_known(connection: Connection) -> list[str]:
    """Return the names of the instances that have, or had, a place in the log."""
    found = select(cursors.c.plugin).where(cursors.c.run_id == LIVE_RUN).order_by(cursors.c.plugin)
    return list(connection.execute(found).scalars())


def check_delivers(connection: Connection, plugin: str, what: str) -> None:
    """Raise StoreError if an instance, once it ran, got no place in the log: it only brings messages.

    Args:
        what: What was asked for, such as `paused`.
    """
    ran = select(plugin_states.c.state).where(
        plugin_states.c.plugin == plugin, plugin_states.c.state.not_in(("failed", "held back"))
    )
    if connection.execute(ran).first() and plugin not in list_known(connection):
        raise StoreError(f"{plugin} delivers nothing; it cannot be {what}")


def note_match(connection: Connection, plugin: str, from_id: int, match: Mapping[str, Any]) -> None:
    """Remember that a `match` holds from an event id on, unless it is the one that held already."""
    newest = connection.execute(
        select(plugin_revisions.c.match)
        .where(plugin_revisions.c.plugin == plugin)
        .order_by(plugin_revisions.c.from_id.desc())
        .limit(1)
    )
    if newest.scalar_one_or_none() == match:
        return
    statement = upsert_insert(plugin_revisions).values(
        plugin=plugin, from_id=from_id, match=dict(match), made_at=datetime.now(UTC)
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["plugin", "from_id"], set_={"match": statement.excluded.match}
        )
    )


def note_state(connection: Connection, plugin: str, state: PluginState, reason: str) -> None:
    """Remember whether an instance runs, and if not, why."""
    statement = upsert_insert(plugin_states).values(
        plugin=plugin, state=state, reason=reason, since=datetime.now(UTC)
    )
    changed = {name: statement.excluded[name] for name in ("state", "reason", "since")}
    connection.execute(statement.on_conflict_do_update(index_elements=["plugin"], set_=changed))


def shift_due(connection: Connection, plugin: str, run_id: str, due: Mapping[int, datetime]) -> None:
    """Write down when deliveries are tried again, by event id; only those that still wait for that."""
    for event_id, due_at in due.items():
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.plugin == plugin,
                deliveries.c.run_id == run_id,
                deliveries.c.event_id == event_id,
                deliveries.c.outcome == "retrying",
            )
            .values(due_at=due_at)
        )

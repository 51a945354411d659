"""Replays: second cursors over a range of the log, and what was delivered before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.errors import StoreError
from hub.store.plugin_state import open_cursor
from hub.store.schema import cursors, deliveries, plugin_revisions, replays
from hub.store.settlement import ASIDE, LIVE_RUN

Outcomes = dict[int, list[tuple[str, str]]]
"""(run id, outcome) of the delivery rows there are, by event id."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Events `first` to `last` for one instance once more, at most `per_second`.

    `again` delivers what was delivered before as well; `any_age` does not ask for the instance's `max_age_s`;
    `since` leaves out what was captured before that.
    """

    id: int
    plugin: str
    first: int
    last: int
    per_second: float
    again: bool
    any_age: bool
    since: datetime | None = None

    def wants(self, captured_at: datetime) -> bool:
        """Whether an event of the range was captured late enough."""
        return self.since is None or captured_at >= self.since

    @property
    def run_id(self) -> str:
        """The name of its cursor and its rows."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class LivePast:
    """Where an instance's live cursor began and stands, and from which event on which match held."""

    start: int
    position: int
    matches: tuple[tuple[int, dict[str, Any]], ...]


def add_replay(connection: Connection, values: dict[str, Any]) -> Replay:
    """Write a replay down, with its cursor before its first event."""
    statement = insert(replays).values(**values, asked_at=datetime.now(UTC)).returning(replays.c.id)
    number = int(connection.execute(statement).scalar_one())
    open_cursor(connection, values["plugin"], values["first"] - 1, str(number))
    return Replay(number, **values)


def list_open(connection: Connection, plugin: str) -> list[Replay]:
    """Return an instance's replays that have not ended."""
    own = (replays.c.plugin == plugin, replays.c.ended_at.is_(None))
    rows = connection.execute(select(replays).where(*own).order_by(replays.c.id))
    return [
        Replay(row.id, row.plugin, row.first, row.last, row.per_second, row.again, row.any_age)
        for row in rows
    ]


def end_replay(connection: Connection, number: int, end: str) -> bool:
    """Write down how a replay ended, and settle what it leaves; return False if it had ended before."""
    now = datetime.now(UTC)
    is_open = (replays.c.id == number, replays.c.ended_at.is_(None))
    ended = connection.execute(update(replays).where(*is_open).values(ended_at=now, end=end)).rowcount > 0
    if ended:
        left = (deliveries.c.run_id == str(number), deliveries.c.outcome.in_(ASIDE))
        settled = {"outcome": "skipped", "reason": f"the replay was {end}", "due_at": None, "updated_at": now}
        connection.execute(update(deliveries).where(*left).values(settled))
    return ended


def read_plugin(connection: Connection, number: int) -> str | None:
    """Return the instance that a replay is for, or None where there is no such replay."""
    found: str | None = connection.execute(
        select(replays.c.plugin).where(replays.c.id == number)
    ).scalar_one_or_none()
    return found


def read_position(connection: Connection, plugin: str) -> int | None:
    """Return how far an instance's live cursor has come."""
    own = (cursors.c.plugin == plugin, cursors.c.run_id == LIVE_RUN)
    found: int | None = connection.execute(select(cursors.c.position).where(*own)).scalar_one_or_none()
    return found


async def read_past(engine: AsyncEngine, plugin: str) -> LivePast:
    """Return what is known of an instance's live run; raises StoreError where it never had one."""
    live = select(cursors).where(cursors.c.plugin == plugin, cursors.c.run_id == LIVE_RUN)
    held = select(plugin_revisions).where(plugin_revisions.c.plugin == plugin)
    async with engine.connect() as connection:
        cursor = (await connection.execute(live)).one_or_none()
        rows = (await connection.execute(held.order_by(plugin_revisions.c.from_id))).all()
    if cursor is None:
        raise StoreError(f"{plugin} was never delivered anything; `lenshub plugins` lists the instances")
    return LivePast(cursor.start, cursor.position, tuple((row.from_id, row.match) for row in rows))


async def read_outcomes(engine: AsyncEngine, plugin: str, event_ids: Sequence[int]) -> Outcomes:
    """Return what rows say of some events for an instance, in whichever run."""
    wanted = select(deliveries.c.event_id, deliveries.c.run_id, deliveries.c.outcome).where(
        deliveries.c.plugin == plugin, deliveries.c.event_id.in_(event_ids)
    )
    found: Outcomes = {}
    async with engine.connect() as connection:
        for row in await connection.execute(wanted):
            found.setdefault(row.event_id, []).append((row.run_id, row.outcome))
    return found


async def list_replays(engine: AsyncEngine, limit: int) -> list[dict[str, Any]]:
    """Return the newest replays with what came of them; `had_before` and `filtered` were not delivered."""
    run = cast(replays.c.id, Text)
    statement = (
        select(replays, cursors.c.position, cursors.c.done.label("had_before"), cursors.c.filtered)
        .join(cursors, cursors.c.run_id == run)
        .order_by(replays.c.id.desc())
        .limit(limit)
    )
    counts = select(deliveries.c.run_id, deliveries.c.outcome, func.count().label("events"))
    counts = counts.where(deliveries.c.run_id != LIVE_RUN).group_by(deliveries.c.run_id, deliveries.c.outcome)
    async with engine.connect() as connection:
        found = [dict(row) for row in (await connection.execute(statement)).mappings()]
        outcomes = (await connection.execute(counts)).all()
    for replay in found:
        own = [row for row in outcomes if row.run_id == str(replay["id"])]
        replay["outcomes"] = {row.outcome: row.events for row in own}
    return found

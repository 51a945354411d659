"""What suppression remembers: passes in the effects ledger, snoozes, events held back, digests of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.errors import StoreError
from hub.plugin import DigestLine
from hub.store.schema import digests, effects, held, snoozes
from hub.store.settlement import LIVE_RUN, Outcome

PASS = "pass/"  # noqa: S105 - what a cooldown or quota let through, in keys and groups of the ledger
MARK = "match/"
"""What `new_after_s` or `once_within_s` of a match let through, in keys and groups of the ledger."""
MARKS_READ = 10_000
DIGEST_LINES = 50
GROUPS = 500


@dataclass(frozen=True, slots=True)
class Passed:
    """One event (or digest) that a rule let through; `group` says of whom the next must wait."""

    key: str
    group: str
    at: datetime
    event_id: int
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One event that a rule held back, and when it may be told of."""

    event_id: int
    rule: str
    group: str
    device: str
    camera: str | None
    label: str | None
    confidence: float | None
    captured_at: datetime
    held_at: datetime
    due_at: datetime


@dataclass(slots=True)
class Remembered:
    """What one settlement adds to an instance's memory."""

    plugin: str
    passed: list[Passed] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.passed or self.withdrawn or self.held_back)

    def write(self, connection: Connection) -> None:
        """Write it inside a transaction; doing so twice changes nothing."""
        write_passed(connection, self.plugin, self.passed)
        for key in self.withdrawn:
            connection.execute(delete(effects).where(effects.c.plugin == self.plugin, effects.c.key == key))
        if self.held_back:
            rows = [
                {"plugin": self.plugin, **{name: getattr(one, name) for name in HeldBack.__slots__}}
                for one in self.held_back
            ]
            connection.execute(upsert_insert(held).on_conflict_do_nothing(), rows)


def write_passed(connection: Connection, plugin: str, passed: Sequence[Passed]) -> None:
    """Write into the ledger what was let through."""
    if not passed:
        return
    rows = [
        {
            "plugin": plugin,
            "key": one.key,
            "run_id": LIVE_RUN,
            "event_id": one.event_id,
            "group": one.group,
            "amount": one.amount,
            "state": "done",
            "began_at": one.at,
            "ended_at": one.at,
        }
        for one in passed
    ]
    connection.execute(upsert_insert(effects).on_conflict_do_nothing(), rows)


def read_passed(connection: Connection, plugin: str, since: datetime) -> list[Passed]:
    """Return what cooldowns and quotas let through since a moment, oldest first."""
    rows = connection.execute(
        select(effects)
        .where(effects.c.plugin == plugin, effects.c.key.startswith(PASS), effects.c.began_at > since)
        .order_by(effects.c.began_at)
    )
    return [Passed(row.key, row.group, row.began_at, row.event_id, row.amount) for row in rows]


def read_marks(connection: Connection, plugin: str, up_to: int) -> list[Passed]:
    """Return what a match's memory let through up to an event, the newest marks, oldest first."""
    rows = connection.execute(
        select(effects)
        .where(effects.c.plugin == plugin, effects.c.key.startswith(MARK), effects.c.event_id <= up_to)
        .order_by(effects.c.event_id.desc())
        .limit(MARKS_READ)
    ).all()
    return [Passed(row.key, row.group, row.began_at, row.event_id, row.amount) for row in reversed(rows)]


def read_memory(
    connection: Connection, plugin: str, since: datetime, up_to: int
) -> tuple[list[Passed], list[Passed], tuple[int, datetime | None]]:
    """Return what was let through since a moment, the marks up to an event, and what waits for a digest."""
    marks = read_marks(connection, plugin, up_to) if up_to else []
    return read_passed(connection, plugin, since), marks, read_waiting(connection, plugin)


def read_snoozes(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Return until when each snoozed instance is."""
    rows = connection.execute(select(snoozes).where(snoozes.c.until > now))
    return {row.plugin: row.until for row in rows}


def write_snooze(connection: Connection, plugin: str, until: datetime | None, now: datetime) -> None:
    """Snooze an instance until a moment; None ends it."""
    connection.execute(delete(snoozes).where(snoozes.c.plugin == plugin))
    if until is not None:
        connection.execute(snoozes.insert().values(plugin=plugin, until=until, made_at=now))


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A digest that is to be delivered, and how often that was tried."""

    id: int
    latest_id: int
    attempt: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a digest tells, put together from the events held back."""

    count: int
    since: datetime
    until: datetime
    rules: dict[str, int]
    groups: frozenset[str]
    lines: tuple[DigestLine, ...]
    more: int


def read_waiting(connection: Connection, plugin: str) -> tuple[int, datetime | None]:
    """Return how many events wait to be told of, and from when on; None: once nothing holds any more."""
    untold = (held.c.plugin == plugin, held.c.digest_id.is_(None))
    rows = connection.execute(
        select(held.c.rule, func.count().label("events"), func.min(held.c.due_at).label("due_at"))
        .where(*untold)
        .group_by(held.c.rule)
    ).all()
    cooling_only = {row.rule for row in rows} == {"cooldown"}
    return sum(row.events for row in rows), rows[0].due_at if cooling_only else None


def find_open_digest(connection: Connection, plugin: str) -> DigestRow | None:
    """Return the oldest digest that is not settled."""
    row = connection.execute(
        select(digests)
        .where(digests.c.plugin == plugin, digests.c.outcome == "retrying")
        .order_by(digests.c.id)
        .limit(1)
    ).one_or_none()
    return DigestRow(row.id, row.latest_id, row.attempt, row.due_at) if row else None


def make_digest(connection: Connection, plugin: str, now: datetime) -> tuple[DigestRow, int] | None:
    """Put everything that waits into one digest; return it with how many events it has, or None of none."""
    untold = (held.c.plugin == plugin, held.c.digest_id.is_(None))
    count, latest_id = connection.execute(
        select(func.count(), func.max(held.c.event_id)).where(*untold)
    ).one()
    if not count:
        return None
    made = connection.execute(
        digests.insert().values(
            plugin=plugin, count=count, latest_id=latest_id, made_at=now, outcome="retrying", attempt=0,
            reason="", note="", due_at=now, updated_at=now,
        )
    )  # fmt: skip
    number = int(made.lastrowid)
    connection.execute(update(held).where(*untold).values(digest_id=number))
    return DigestRow(number, latest_id, 0, now), count


def settle_digest(
    connection: Connection,
    number: int,
    outcome: Outcome,
    *,
    attempt: int,
    reason: str,
    note: str,
    due_at: datetime | None,
    now: datetime,
    plugin: str,
    passed: Sequence[Passed],
) -> None:
    """Write down what came of an attempt to deliver a digest, and what it counts as."""
    write_passed(connection, plugin, passed)
    connection.execute(
        update(digests)
        .where(digests.c.id == number)
        .values(outcome=outcome, attempt=attempt, reason=reason, note=note, due_at=due_at, updated_at=now)
    )


def read_told(connection: Connection, plugin: str, number: int) -> Told:
    """Return what a digest tells: a line for each device, camera and label, those with most events first."""
    own = (held.c.plugin == plugin, held.c.digest_id == number)
    events = func.count().label("events")
    since, until = func.min(held.c.captured_at).label("since"), func.max(held.c.captured_at).label("until")
    total = connection.execute(select(events, since, until).where(*own)).one()
    places = (held.c.device, held.c.camera, held.c.label)
    best = func.max(held.c.confidence).label("best")
    rows = connection.execute(
        select(*places, events, best, since, until)
        .where(*own)
        .group_by(*places)
        .order_by(events.desc(), *places)
        .limit(DIGEST_LINES)
    )
    lines = tuple(DigestLine(*row) for row in rows)
    rules = connection.execute(select(held.c.rule, events).where(*own).group_by(held.c.rule))
    groups = connection.execute(select(held.c.group).where(*own).distinct().limit(GROUPS)).scalars()
    more = total.events - sum(line.count for line in lines)
    return Told(
        total.events,
        total.since,
        total.until,
        {row.rule: row.events for row in rules},
        frozenset(groups),
        lines,
        more,
    )


async def find_told(engine: AsyncEngine, event_id: int) -> dict[str, dict[str, Any]]:
    """Return {plugin: the digest that an event was told in, or its wait for one}, where it was held back."""
    statement = (
        select(held.c.plugin, held.c.digest_id, digests.c.outcome, digests.c.note, digests.c.reason)
        .join_from(held, digests, digests.c.id == held.c.digest_id, isouter=True)
        .where(held.c.event_id == event_id)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(statement)).mappings()
        return {row["plugin"]: dict(row) for row in rows}


async def find_marked(engine: AsyncEngine, event_id: int) -> set[str]:
    """Return the instances whose match's memory let an event through."""
    own = (effects.c.event_id == event_id, effects.c.key.startswith(f"{MARK}{event_id}/"))
    async with engine.connect() as connection:
        return set((await connection.execute(select(effects.c.plugin).where(*own))).scalars())


async def list_marks(engine: AsyncEngine, plugin: str, groups: Sequence[str], up_to: int) -> list[Passed]:
    """Return the newest marks of some groups up to an event, newest first."""
    statement = (
        select(effects)
        .where(effects.c.plugin == plugin, effects.c.group.in_(groups), effects.c.event_id <= up_to)
        .order_by(effects.c.event_id.desc())
        .limit(len(groups) * 2)
    )
    async with engine.connect() as connection:
        rows = await connection.execute(statement)
        return [Passed(row.key, row.group, row.began_at, row.event_id, row.amount) for row in rows]


async def list_snoozes(engine: AsyncEngine, now: datetime) -> dict[str, datetime]:
    """Return until when each snoozed instance is."""
    async with engine.connect() as connection:
        return await connection.run_sync(read_snoozes, now)


async def snooze(engine: AsyncEngine, plugin: str, until: datetime | None, now: datetime) -> None:
    """Snooze an instance until a moment; None ends it. A running hub takes notice within a second.

    Raises:
        StoreError: The store cannot be written.
    """
    try:
        async with engine.begin() as connection:
            await connection.run_sync(write_snooze, plugin, until, now)
    except DBAPIError as error:
        raise StoreError(f"the snooze cannot be written: {error.orig}; try again") from error

"""Reads the event log: after a position, by id, and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, func, select

from hub.event import Event
from hub.store.amendments import as_view
from hub.store.effects import Effect, count_effects, foresee_cooldown
from hub.store.replays import LivePast, Outcomes, read_outcomes, read_past
from hub.store.rows import read_events
from hub.store.schema import detections, events
from hub.store.suppression import read_snoozes

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Found = TypeVar("Found")
MOST_AMENDMENTS = 10_000
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_BY_IDS = select(events).where(events.c.id.in_(_IDS)).order_by(events.c.id)
_SEEN = (
    select(detections)
    .where(detections.c.event_id.in_(_IDS))
    .order_by(detections.c.event_id, detections.c.position)
)
"""Composed once: each statement with an `in` is a cycle of references, which only the collector frees."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a listing wants; None means any."""

    device: str | None = None
    label: str | None = None
    source: str | None = None
    since: datetime | None = None
    min_confidence: float = 0.0
    camera: str | None = None
    frame: str | None = None
    up_to: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the WHERE clauses."""
        found: list[ColumnElement[bool]] = []
        if self.device is not None:
            found.append(events.c.device == self.device)
        if self.camera is not None:
            found.append(events.c.attributes["camera"].as_string() == self.camera)
        if self.source is not None:
            found.append(events.c.source == self.source)
        if self.since is not None:
            found.append(events.c.captured_at >= self.since)
        if self.frame is not None:
            found.append(events.c.frame_digest == self.frame)
        if self.up_to is not None:
            found.append(events.c.id <= self.up_to)
        if self.label is not None or self.min_confidence > 0:
            seen = select(detections.c.event_id).where(
                detections.c.event_id == events.c.id, detections.c.confidence >= self.min_confidence
            )
            if self.label is not None:
                seen = seen.where(detections.c.label == self.label)
            found.append(seen.exists())
        return found

    def standing(self) -> list[ColumnElement[bool]]:
        """Return the WHERE clauses for rows that hold their event as it stands: it is not amended later."""
        later = events.alias("later")
        amended = select(later.c.id).where(
            later.c.amends == func.coalesce(events.c.amends, events.c.id), later.c.id > events.c.id
        )
        if self.up_to is not None:
            amended = amended.where(later.c.id <= self.up_to)
        return [*self.conditions(), ~amended.exists()]


class EventLog:
    """Reads stored events on connections of its own; never waits for the writer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def after(self, position: int, limit: int, *, up_to: int | None = None) -> list[Event]:
        """Return up to `limit` rows with an id above `position` (and not above `up_to`), oldest first.

        An amendment is a row of its own, and holds its event as it stood then.
        """
        last = [] if up_to is None else [events.c.id <= up_to]
        return await self._read(events.c.id > position, *last, limit=limit)

    async def first_since(self, moment: datetime) -> int | None:
        """Return the lowest id of the events captured at `moment` or later, or None when there is none."""
        statement = select(func.min(events.c.id)).where(events.c.captured_at >= moment)
        async with self._engine.connect() as connection:
            found: int | None = (await connection.execute(statement)).scalar()
            return found

    async def past(self, plugin: str) -> LivePast:
        """Return what is known of an instance's live run; raises StoreError where it never had one."""
        return await read_past(self._engine, plugin)

    async def outcomes(self, plugin: str, event_ids: Sequence[int]) -> Outcomes:
        """Return what rows say of some events for an instance, in whichever run."""
        return await read_outcomes(self._engine, plugin, event_ids)

    async def before(self, position: int, limit: int, *, device: str | None = None) -> list[Event]:
        """Return the last `limit` events (of a device) up to `position`, that one included, newest first."""
        own = EventFilter(device=device).conditions()
        return await self._read(events.c.id <= position, *own, limit=limit, newest_first=True)

    async def by_ids(self, ids: Sequence[int]) -> list[Event]:
        """Return those of the rows that exist, oldest first; an amendment as its event stood then."""
        return await self._run(_BY_IDS, {"ids": ids})

    async def standing_after(self, position: int, limit: int, wanted: EventFilter) -> list[tuple[int, Event]]:
        """Return events as they stand, each with the id of its last row, whose order they have.

        Those come whose last row has an id above `position`; with `up_to`, as they stood then.
        """
        rows = await self._read(events.c.id > position, *wanted.standing(), limit=limit)
        return list(zip((row.id for row in rows), await self._as_views(rows), strict=True))

    async def newest(self, wanted: EventFilter, limit: int) -> list[Event]:
        """Return the events that a filter lets through as they stand, those last heard of first.

        An amended event is under its own id, with everything that was said of it since.
        """
        rows = await self._read(*wanted.standing(), limit=limit, newest_first=True)
        return await self._as_views(rows)

    async def view(self, row: Event) -> tuple[Event, list[int]]:
        """Return the event of a row as it stands, and the ids of its amendments."""
        first = row.amends or row.id
        amendments = await self._read(events.c.amends == first, limit=MOST_AMENDMENTS, newest_first=True)
        views = await self._as_views(amendments[:1] or [row])
        return views[0], [one.id for one in reversed(amendments)]

    async def _as_views(self, rows: Sequence[Event]) -> list[Event]:
        ids = [row.amends for row in rows if row.amends is not None]
        firsts = {event.id: event for event in await self.by_ids(ids)} if ids else {}
        return [as_view(firsts[row.amends], row) if row.amends in firsts else row for row in rows]

    async def count(self, wanted: EventFilter, *, up_to: int) -> int:
        """Count the events that a filter lets through, as they stood after the row `up_to`."""
        wanted = replace(wanted, up_to=up_to)
        statement = select(func.count()).select_from(events).where(*wanted.standing())
        async with self._engine.connect() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def foresee_cooldown(self, effect: Effect) -> datetime | None:
        """Return when the cooldown ends that an effect would meet, as far as is committed."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(foresee_cooldown, effect)

    async def snoozes(self, now: datetime) -> dict[str, datetime]:
        """Return until when each snoozed instance is, as far as is committed."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(read_snoozes, now)

    async def count_effects(self, plugin: str, group: str, event_id: int) -> int:
        """Count the effects of a group that began before an event's first one; see `hub.plugin.Delivery`."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(count_effects, plugin, group, event_id)

    async def newest_id(self) -> int:
        """Return the id of the newest event, 0 when there is none."""
        async with self._engine.connect() as connection:
            return int((await connection.execute(select(func.max(events.c.id)))).scalar() or 0)

    async def ask(self, question: Callable[[Connection], Found]) -> Found:
        """Return what a function of `hub.store` reads on a connection."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(question)

    async def _read(
        self, *conditions: ColumnElement[bool], limit: int, newest_first: bool = False
    ) -> list[Event]:
        order = events.c.id.desc() if newest_first else events.c.id
        return await self._run(select(events).where(*conditions).order_by(order).limit(limit))

    async def _run(self, statement: Select[Any], given: Mapping[str, Any] | None = None) -> list[Event]:
        async with self._engine.connect() as connection:
            rows: list[Any] = list((await connection.execute(statement, given)).mappings())
            if not rows:
                return []
            seen = await connection.execute(_SEEN, {"ids": [row["id"] for row in rows]})
            return read_events(rows, [dict(row) for row in seen.mappings()])

"""Which stored events a plugin instance had done at one moment, a page of events at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.dispatch.match import Match
from hub.event import Event
from hub.store import overview
from hub.store.database import Database
from hub.store.log import EventLog

PAGE_EVENTS = 256


@dataclass(frozen=True, slots=True)
class Settled:
    """An instance's deliveries as they stood at `at`; what is delivered later does not count as done."""

    engine: Database
    plugin: str
    at: datetime
    start: int
    position: int
    matches: tuple[tuple[int, Match], ...]

    @classmethod
    async def now(cls, engine: Database, plugin: str) -> Settled:
        """Look where the instance stands; one that never ran has done nothing."""
        at = datetime.now(UTC)
        found = [row for row in await overview.list_cursors(engine) if row["plugin"] == plugin]
        start, position = (found[0]["start"], found[0]["position"]) if found else (0, 0)
        revisions = await overview.list_revisions(engine, plugin)
        matches = tuple((row["from_id"], Match.model_validate(row["match"])) for row in revisions)
        return cls(engine, plugin, at, start, position, matches)

    async def pages(self) -> AsyncIterator[tuple[list[Event], list[bool]]]:
        """Yield all stored events, oldest first, and for each whether its delivery was done."""
        log, position = EventLog(self.engine), 0
        while events := await log.after(position, PAGE_EVENTS):
            position = events[-1].id
            rows = await overview.list_outcomes_of(self.engine, [event.id for event in events])
            yield events, self._done(events, {r["event_id"]: r for r in rows if r["plugin"] == self.plugin})

    def _done(self, events: Sequence[Event], rows: dict[int, dict[str, Any]]) -> list[bool]:
        return [
            row["outcome"] == "done" and row["updated_at"] <= self.at
            if (row := rows.get(event.id))
            else self._done_without_row(event)
            for event in events
        ]

    def _done_without_row(self, event: Event) -> bool:
        if not self.start < event.id <= self.position:
            return False
        held = [match for from_id, match in self.matches if from_id <= event.id]
        if held and held[-1].has_memory:
            return False  # earlier events had a say: only what was noted is known to be done
        return not held or held[-1].refusal(event) is None

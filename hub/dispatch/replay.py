"""Replays a range of the log to one instance: which events, at which pace, and what it had before."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Literal

from hub.dispatch.instance import InstanceSettings
from hub.dispatch.match import Match
from hub.dispatch.match_memory import MatchMemory
from hub.dispatch.progress import Progress
from hub.dispatch.verdict import DONE, Verdict
from hub.event import Event
from hub.store.log import EventLog
from hub.store.replays import LivePast, Outcomes, Replay
from hub.store.settlement import ASIDE, LIVE_RUN

Prospect = Literal["delivered", "had before", "not wanted", "too old"]

log = logging.getLogger(__name__)

READ_EVENTS = 256
READ_AGAIN_S = 1.0
BURST_S = 0.2  # so much of a second's allowance may come at once: the watch looks every 100 ms


class Past:
    """Tells what an instance was delivered before, from its live cursor, its matches and its rows."""

    def __init__(self, past: LivePast) -> None:
        self._start = past.start
        self._matches = [(from_id, Match.model_validate(match)) for from_id, match in past.matches]

    def has_had(self, event: Event, rows: Outcomes) -> bool:
        """Whether an event was delivered, is being delivered, or may have been (unknown)."""
        outcomes = dict(rows.get(event.id, ()))
        if "done" in outcomes.values():
            return True
        live = outcomes.get(LIVE_RUN)
        if live is not None:
            return live in (*ASIDE, "unknown")
        if event.id <= self._start:
            return False
        held = [match for from_id, match in self._matches if from_id <= event.id]
        return not held or held[-1].refusal(event) is None


class Wanted:
    """Tells what a match wants of a range, whose events are shown in order: its memory begins there."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._memory = MatchMemory(match) if match.has_memory else None

    def has(self, event: Event) -> bool:
        """Whether an event is wanted; it is then remembered."""
        if self._match.refusal(event) is not None:
            return False
        return self._memory is None or self._memory.take(event) is not None


class Pace:
    """Lets at most so many through a second, in small bursts.

    Args:
        clock: Seconds, only growing.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * BURST_S)
        self._left = self._most
        self._clock = clock
        self._at = clock()

    def is_open(self) -> bool:
        """Whether one may go through now."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        return self._left >= 1.0

    def take(self) -> None:
        """Let one through."""
        self._left -= 1.0


async def read_range(event_log: EventLog, replay: Replay) -> AsyncIterator[tuple[Event, Outcomes]]:
    """Yield the events that a replay asks for, oldest first, each with what rows say of those around it."""
    position = replay.first - 1
    while position < replay.last:
        events = await event_log.after(position, READ_EVENTS, up_to=replay.last)
        if not events:
            return
        rows = await event_log.outcomes(replay.plugin, [event.id for event in events])
        for event in events:
            if replay.wants(event.captured_at):
                yield event, rows
        position = events[-1].id


async def foresee(
    event_log: EventLog, replay: Replay, settings: InstanceSettings, now: datetime
) -> dict[Prospect, list[int]]:
    """Return the ids of the events that a replay would deliver, and of the others by why not."""
    past = Past(await event_log.past(replay.plugin))
    wanted = Wanted(settings.match)
    limit_s = None if replay.any_age else settings.max_age_s
    found: dict[Prospect, list[int]] = {"delivered": [], "had before": [], "not wanted": [], "too old": []}
    async for event, rows in read_range(event_log, replay):
        if not wanted.has(event):
            found["not wanted"].append(event.id)
        elif not replay.again and past.has_had(event, rows):
            found["had before"].append(event.id)
        elif limit_s is not None and (now - event.captured_at).total_seconds() > limit_s:
            found["too old"].append(event.id)
        else:
            found["delivered"].append(event.id)
    return found


class ReplayFeed:
    """What is wanted of a replay's range, at its pace, with what was delivered before settled as done."""

    def __init__(self, replay: Replay, past: Past, match: Match, event_log: EventLog) -> None:
        self.run_id = replay.run_id
        self._replay = replay
        self._past = past
        self._wanted = Wanted(match)
        self._log = event_log
        self._pace = Pace(replay.per_second)
        self._buffer: deque[Event] = deque()
        self._had: set[int] = set()
        self._unwanted: set[int] = set()
        self._read_to = 0
        self._reading = False
        self._over = False

    def open(self, progress: Progress, passed: Callable[[], None], changed: Callable[[], None]) -> None:
        """Go on after what was taken."""
        self._progress = progress
        self._passed = passed
        self._changed = changed

    def close(self) -> None:
        """Call nobody any more."""
        self._passed = self._changed = lambda: None

    def next(self) -> Event | None:
        """Return the next wanted event, unless the pace holds it back."""
        while self._buffer and self._buffer[0].id in self._unwanted:
            self._progress.pass_over(self._buffer.popleft().id, 1)
            self._passed()
        if not self._buffer:
            return None
        costs = self._buffer[0].id not in self._had
        if costs and not self._pace.is_open():
            return None
        if costs:
            self._pace.take()
        return self._buffer.popleft()

    async def read(self) -> bool:
        """Read on in the range."""
        if self._buffer or self._reading or self._over:
            return False
        self._reading = True
        try:
            await self._read_on()
        except Exception as error:  # noqa: BLE001 - the store's trouble is no reason to give up a replay
            log.warning("replay.waiting %s: the store cannot be read: %s", self.run_id, error)
            await asyncio.sleep(READ_AGAIN_S)
            return True
        finally:
            self._reading = False
        self._changed()
        return not self._over

    async def _read_on(self) -> None:
        position = max(self._progress.taken, self._read_to)
        events = await self._log.after(position, READ_EVENTS, up_to=self._replay.last)
        rows = await self._log.outcomes(self._replay.plugin, [event.id for event in events])
        self._had = {event.id for event in events if self._past.has_had(event, rows)}
        if self._replay.again:
            self._had.clear()
        asked = [event for event in events if self._replay.wants(event.captured_at)]
        self._unwanted = {event.id for event in asked if not self._wanted.has(event)}
        self._buffer.extend(asked)
        if events:
            self._read_to = events[-1].id
        else:
            self._over = True

    def catch_up(self) -> None:
        """Do nothing: what is not wanted is passed over where it is read."""

    def is_due(self) -> bool:
        """Whether the pace lets something through now."""
        return bool(self._buffer) and self._pace.is_open()

    def is_over(self) -> bool:
        """Whether the range has ended."""
        return self._over and not self._buffer

    def judge(self, event: Event) -> Verdict | None:
        """Settle what was delivered before, which is only counted."""
        return DONE if event.id in self._had else None

"""Where a runner gets the events that its match wants from: the end of the log as it grows."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from hub.dispatch.match import Match
from hub.dispatch.match_sieve import Lane, Sieve
from hub.dispatch.progress import Progress
from hub.dispatch.verdict import Verdict
from hub.event import Event
from hub.store.log import EventLog
from hub.store.tail import Tail

log = logging.getLogger(__name__)

READ_EVENTS = 256
READ_AGAIN_S = 1.0


class Feed(Protocol):
    """The wanted events in order of id, after those that were taken; the others are passed over."""

    run_id: str

    def open(self, progress: Progress, passed: Callable[[], None], changed: Callable[[], None]) -> None:
        """Go on after what `progress` has taken.

        Args:
            passed: Called after events were passed over that are not wanted.
            changed: Called whenever there may be more.
        """
        ...

    def close(self) -> None:
        """Call nobody any more."""
        ...

    def next(self) -> Event | None:
        """Return the next wanted event, not taken yet, or None where none is at hand now."""
        ...

    async def read(self) -> bool:
        """Read on from the table; return whether to look again at once."""
        ...

    def catch_up(self) -> None:
        """Pass over what was committed since the last wanted event; called every 100 ms."""
        ...

    def is_due(self) -> bool:
        """Whether `next` may have an event that it held back before; asked every 100 ms."""
        ...

    def is_over(self) -> bool:
        """Whether there will never be another event."""
        ...

    def judge(self, event: Event) -> Verdict | None:
        """Return what is to be settled of a wanted event without delivering it, or None to deliver it."""
        ...


class LiveFeed:
    """The log as it grows: the tail, or the table where the tail no longer reaches; then the sieve's lane.

    Args:
        sieve: Tells what is wanted of what is committed; None for a feed that reads by itself to the end.
    """

    run_id = ""

    def __init__(
        self, name: str, match: Match, tail: Tail, event_log: EventLog, sieve: Sieve | None = None
    ) -> None:
        self._name = name
        self._match = match
        self._tail = tail
        self._log = event_log
        self._sieve = sieve
        self._buffer: deque[Event] = deque()
        self._reading = False

    def open(self, progress: Progress, passed: Callable[[], None], changed: Callable[[], None]) -> None:
        """Go on after what was taken, and listen to the tail."""
        self._progress = progress
        self._passed = passed
        self._lane = Lane(self._match, changed, lambda: progress.taken)
        if self._sieve is None:
            self._tail.listen(changed, self._lane.place)
        else:
            self._sieve.add(self._lane)

    def close(self) -> None:
        """Stop listening to the tail."""
        if self._sieve is None:
            self._tail.forget(self._lane.wake)
        else:
            self._sieve.remove(self._lane)

    def next(self) -> Event | None:
        """Return the next wanted event, unless only the table has it."""
        if self._lane.live:
            return self._next_sorted()
        while event := self._next_read():
            if self._match.refusal(event) is None:
                return event
            self._progress.pass_over(event.id, 1)
            self._passed()
        if self._sieve is not None:
            self._sieve.join(self._lane, self._progress.taken)
        return None

    def _next_sorted(self) -> Event | None:
        if not self._lane.events:
            self.catch_up()
            return None
        event = self._lane.events.popleft()
        if event.id - 1 > self._progress.taken:
            self._pass_over(event.id - 1)
        return event

    def _next_read(self) -> Event | None:
        if not self._buffer:
            self._buffer.extend(self._tail.after(self._progress.taken, READ_EVENTS) or ())
        return self._buffer.popleft() if self._buffer else None

    def _pass_over(self, up_to: int) -> None:
        if self._progress.pass_over(up_to, up_to - self._progress.taken):  # the tail has no holes
            self._passed()

    async def read(self) -> bool:
        """Read on from the table where the tail no longer reaches."""
        behind = self._progress.taken < self._tail.newest and not self._buffer and not self._lane.live
        if not behind or self._reading:
            return False
        self._reading = True
        try:
            events = await self._log.after(self._progress.taken, READ_EVENTS)
        except Exception as error:  # noqa: BLE001 - the store's trouble is no reason to give up a plugin
            log.warning("plugin.waiting %s: the store cannot be read: %s", self._name, error)
            await asyncio.sleep(READ_AGAIN_S)
            return True
        finally:
            self._reading = False
        self._buffer.extend(events)
        self._lane.wake()
        return bool(events)

    def catch_up(self) -> None:
        """Pass over what was committed since the last wanted event; costs little where there is nothing."""
        if self._lane.live and not self._lane.events and self._sieve is not None:
            self._pass_over(self._sieve.scanned)

    def is_due(self) -> bool:
        """Say no: the tail tells of everything new."""
        return False

    def is_over(self) -> bool:
        """Say no: the log has no end."""
        return False

    def judge(self, event: Event) -> Verdict | None:
        """Deliver everything that is wanted."""
        return None

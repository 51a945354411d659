"""What one instance takes from the log: the events its match wants, in order, with the others passed over."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from hub.dispatch.match import Match
from hub.dispatch.match_sieve import Lane, Sieve
from hub.dispatch.progress import Progress
from hub.event import Event
from hub.store.log import EventLog
from hub.store.tail import Tail

log = logging.getLogger(__name__)

READ_EVENTS = 256
READ_AGAIN_S = 1.0


class Feed:
    """Reads the tail, or the table where the tail no longer reaches; from then on the sieve's lane.

    Args:
        passed: Called after events were passed over that nobody wants.
        wake: Called when there may be more.
        sieve: None for a feed that reads by itself to the end.
    """

    def __init__(
        self,
        name: str,
        match: Match,
        progress: Progress,
        tail: Tail,
        event_log: EventLog,
        *,
        passed: Callable[[], None],
        wake: Callable[[], None],
        sieve: Sieve | None,
    ) -> None:
        self._name = name
        self._progress = progress
        self._tail = tail
        self._log = event_log
        self._passed = passed
        self._lane = Lane(match, wake)
        self._sieve = sieve
        self._buffer: deque[Event] = deque()
        self._reading = False
        tail.listen(self._hear, self._find_place)
        if sieve is not None:
            sieve.add(self._lane)

    def close(self) -> None:
        """Take no more."""
        self._tail.leave(self._hear)
        if self._sieve is not None:
            self._sieve.remove(self._lane)

    def _hear(self) -> None:
        if not self._lane.live:
            self._lane.wake()

    def _find_place(self) -> int:
        """Return up to which event the tail is needed no more: what waits in a lane is there."""
        return self._tail.newest if self._lane.live else self._progress.taken

    def next(self) -> Event | None:
        """Return the next event that the match wants, not taken yet, or None when there is none for now."""
        if self._lane.live:
            return self._next_sorted()
        while event := self._next_read():
            if self._lane.match.refusal(event) is None:
                return event
            self._progress.pass_over(event.id, 1)
            self._passed()
        if self._sieve is not None:
            self._sieve.join(self._lane, self._progress.taken)
        return None

    def catch_up(self) -> None:
        """Pass over what was committed since the last wanted event; costs little where there is nothing."""
        if self._lane.live and not self._lane.events and self._sieve is not None:
            self._pass_over(self._sieve.scanned)

    def _next_sorted(self) -> Event | None:
        if not self._lane.events:
            self.catch_up()
            return None
        event = self._lane.events.popleft()
        self._pass_over(event.id - 1)
        return event

    def _pass_over(self, up_to: int) -> None:
        if self._progress.pass_over(up_to, up_to - self._progress.taken):  # the tail has no holes
            self._passed()

    def _next_read(self) -> Event | None:
        if not self._buffer:
            self._buffer.extend(self._tail.after(self._progress.taken, READ_EVENTS) or ())
        return self._buffer.popleft() if self._buffer else None

    async def read_table(self) -> bool:
        """Read on from the table where the tail no longer reaches; return whether to look again."""
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

"""Where a runner gets its next event from: the end of the log as it grows."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from hub.dispatch.verdict import Verdict
from hub.event import Event
from hub.store.log import EventLog
from hub.store.tail import Tail

log = logging.getLogger(__name__)

READ_EVENTS = 256
READ_AGAIN_S = 1.0


class Feed(Protocol):
    """Events in order of id, after those that were taken."""

    run_id: str

    def listen(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever there may be more."""
        ...

    def close(self) -> None:
        """Call nobody any more."""
        ...

    def next(self, taken: int) -> Event | None:
        """Return the event after `taken`, or None where none is at hand now."""
        ...

    async def read(self, taken: int) -> bool:
        """Read on from the table; return whether to look again at once."""
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
    """The log as it grows: from the tail in memory, from the table where that no longer reaches."""

    run_id = ""

    def __init__(self, name: str, tail: Tail, event_log: EventLog) -> None:
        self._name = name
        self._tail = tail
        self._log = event_log
        self._buffer: deque[Event] = deque()
        self._reading = False
        self._changed: Callable[[], None] = lambda: None

    def listen(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever events were added."""
        self._changed = changed
        self._tail.listen(changed)

    def close(self) -> None:
        """Stop listening to the tail."""
        self._tail.forget(self._changed)

    def next(self, taken: int) -> Event | None:
        """Return the event after `taken`, unless only the table has it."""
        if not self._buffer:
            self._buffer.extend(self._tail.after(taken, READ_EVENTS) or ())
        return self._buffer.popleft() if self._buffer else None

    async def read(self, taken: int) -> bool:
        """Read on from the table where the tail no longer reaches."""
        if taken >= self._tail.newest or self._buffer or self._reading:
            return False
        self._reading = True
        try:
            events = await self._log.after(taken, READ_EVENTS)
        except Exception as error:  # noqa: BLE001 - the store's trouble is no reason to give up a plugin
            log.warning("plugin.waiting %s: the store cannot be read: %s", self._name, error)
            await asyncio.sleep(READ_AGAIN_S)
            return True
        finally:
            self._reading = False
        self._buffer.extend(events)
        self._changed()
        return bool(events)

    def is_due(self) -> bool:
        """Say no: the tail tells of everything new."""
        return False

    def is_over(self) -> bool:
        """Say no: the log has no end."""
        return False

    def judge(self, event: Event) -> Verdict | None:
        """Deliver everything that is wanted."""
        return None

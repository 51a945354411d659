"""The deliveries that are to be tried again, by the time at which they are due. Pure."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Retry:
    """The next attempt at one event."""

    due: datetime
    event_id: int
    attempt: int


class Retries:
    """A queue by due time.

    Args:
        chance: Chooses where any will do.
    """

    def __init__(self, retries: Iterable[Retry], chance: random.Random) -> None:
        self._heap = list(retries)
        heapq.heapify(self._heap)
        self._chance = chance

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, due: datetime, event_id: int, attempt: int) -> None:
        """Plan an attempt."""
        heapq.heappush(self._heap, Retry(due, event_id, attempt))

    def is_due(self, now: datetime) -> bool:
        """Whether there is one whose time has come."""
        return bool(self._heap) and self._heap[0].due <= now

    def pop_due(self, now: datetime) -> Retry | None:
        """Take the one that has been due longest, or None."""
        return heapq.heappop(self._heap) if self.is_due(now) else None

    def pop_any(self) -> Retry | None:
        """Take any, due or not; not the first, which might be the one that never succeeds."""
        if not self._heap:
            return None
        retry = self._heap.pop(self._chance.randrange(len(self._heap)))
        heapq.heapify(self._heap)
        return retry

    def keep(self, wanted: Callable[[int], bool]) -> None:
        """Forget those whose event is not wanted."""
        self._heap = [retry for retry in self._heap if wanted(retry.event_id)]
        heapq.heapify(self._heap)

    def shift(self, by: timedelta) -> dict[int, datetime]:
        """Move all of them on; return when each is due now, by event."""
        self._heap = [replace(retry, due=retry.due + by) for retry in self._heap]  # their order is the same
        return {retry.event_id: retry.due for retry in self._heap}

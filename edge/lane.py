"""Lanes: bounded queues between the steps of the agent, so that one step's stall does not reach another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lane(Generic[Item]):
    """Carries items from one thread to another, in order.

    Args:
        room: How many items it holds at most.
        newest_wins: What a full lane does: give up its oldest item (counted in `dropped`), or let `put` wait.
    """

    def __init__(self, room: int, *, newest_wins: bool) -> None:
        self.dropped = 0
        self._room, self._newest_wins = room, newest_wins
        self._items: deque[Item] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: Item) -> bool:
        """Add an item; return False, and forget it, once the lane is closed."""
        with self._changed:
            if not self._newest_wins:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._room)
            if self._closed:
                return False
            if len(self._items) == self._room:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """Take nothing more; what it holds can still be taken out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        """Take items out as they come, until the lane is closed and empty."""
        return (item for (item,) in self.batches(1))

    def batches(self, most: int) -> Iterator[list[Item]]:
        """Take out what is there, up to so many items at once, until the lane is closed and empty."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._items)
                if not self._items:
                    return
                items = [self._items.popleft() for _ in range(min(most, len(self._items)))]
                self._changed.notify_all()
            yield items

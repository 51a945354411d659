"""The newest events in memory, so that plugins which keep up never read the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.event import Event


class Tail:
    """Keeps the newest `capacity` to twice as many events, in order of id; older ones are in the table.

    `newest` is the id of the last committed event. Listeners are called after each extension.
    """

    def __init__(self, newest: int, capacity: int = 2000) -> None:
        self.newest = newest
        self._capacity = capacity
        self._events: list[Event] = []
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever events were added."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def extend(self, events: Sequence[Event]) -> None:
        """Add committed events, in order of id."""
        if not events:
            return
        self._events.extend(events)
        self.newest = events[-1].id
        if len(self._events) > 2 * self._capacity:
            del self._events[: -self._capacity]
        for listener in list(self._listeners):
            listener()

    def after(self, position: int, limit: int) -> list[Event] | None:
        """Return up to `limit` events with an id above `position`, or None if only the table has them all."""
        if position >= self.newest:
            return []
        if not self._events or position < self._events[0].id - 1:
            return None
        start = position - self._events[0].id + 1
        return self._events[start : start + limit]

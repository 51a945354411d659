"""The newest events in memory, so that plugins which keep up never read the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.event import Event

Listener = Callable[[], None]
Place = Callable[[], int]


class Tail:
    """Keeps, in order of id, the events that somebody who reads them here has not taken yet.

    What everybody has taken goes soon: objects that live on are work for the garbage collector, which stops
    everything else. Who is `most` events behind, or was when he began, must read the table.

    Args:
        newest: The id of the last committed event.
        least: How many are kept in any case.
        most: How many are kept at most.
    """

    def __init__(self, newest: int, least: int = 500, most: int = 10_000) -> None:
        self.newest = newest
        self._least, self._most = least, most
        self._events: list[Event] = []
        self._listeners: dict[Listener, Place] = {}

    def listen(self, listener: Listener, place: Place) -> None:
        """Call `listener` whenever events were added; `place` returns the id up to which it has them."""
        self._listeners[listener] = place

    def forget(self, listener: Listener) -> None:
        """Call `listener` no more."""
        self._listeners.pop(listener, None)

    def extend(self, events: Sequence[Event]) -> None:
        """Add committed events, in order of id."""
        if not events:
            return
        self._events.extend(events)
        self.newest = events[-1].id
        if len(self._events) > 2 * self._least:
            self._let_go()
        for listener in list(self._listeners):
            listener()

    def after(self, position: int, limit: int) -> list[Event] | None:
        """Return up to `limit` events with an id above `position`, or None if only the table has them all."""
        if position >= self.newest:
            return []
        if not self._events or position < self._before:
            return None
        start = position - self._before
        return self._events[start : start + limit]

    @property
    def _before(self) -> int:
        return self._events[0].id - 1

    def _let_go(self) -> None:
        places = (place() for place in self._listeners.values())
        taken = min((place for place in places if place >= self._before), default=self.newest) - self._before
        spare = min(taken, len(self._events) - self._least)
        del self._events[: max(spare, len(self._events) - self._most, 0)]

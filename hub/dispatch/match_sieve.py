"""Tells, for each committed event, which instances want it: once for all of them.

Asking every instance's match about every event would cost a hundred instances most of the ingest speed, so an
index answers for all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache

from hub.dispatch.match import Match
from hub.dispatch.match_index import MatchIndex
from hub.dispatch.match_masks import numbers_in
from hub.event import Event
from hub.store.tail import Tail

LANE_EVENTS = 10_000
KNOWN_CHOICES = 1024


class Lane:
    """The wanted events that wait for one instance. One that is full is left: its instance reads the log.

    Args:
        wake: Called when there may be more.
        place: Returns the id up to which the instance has everything.
    """

    def __init__(self, match: Match, wake: Callable[[], None], place: Callable[[], int]) -> None:
        self.match = match
        self.same = match.model_dump_json(exclude_defaults=True)
        """Instances whose matches are the same are asked once."""
        self.wake = wake
        self.place = place
        self.live = False
        self.events: deque[Event] = deque()

    def leave(self) -> None:
        """Stop; what waits is given up, and is found again in the log."""
        self.live = False
        self.events.clear()


class Choice:
    """Chooses among lanes. Those whose matches are the same share a number."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        by_match: dict[str, list[Lane]] = {}
        for lane in lanes:
            by_match.setdefault(lane.same, []).append(lane)
        self._lanes = list(by_match.values())
        self._index = MatchIndex([same[0].match for same in self._lanes])
        self._find_lanes = lru_cache(KNOWN_CHOICES)(self._list_lanes)

    def find(self, event: Event) -> Sequence[Lane]:
        """Return the lanes of all instances whose matches want an event."""
        return self._find_lanes(self._index.find(event))

    def _list_lanes(self, mask: int) -> list[Lane]:
        return [lane for number in numbers_in(mask) for lane in self._lanes[number]]


class Sieve:
    """Sorts what is committed into the lanes of the instances that have caught up with the tail."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self.scanned = tail.newest
        """The id of the last event that was sorted; the live lanes hold all that is wanted up to it."""
        self._lanes: list[Lane] = []
        self._choice: Choice | None = None
        tail.listen(self._sort, lambda: self.scanned)

    def add(self, lane: Lane) -> None:
        """Know a lane from now on; it gets events once it has joined, and reads the tail until then."""
        self._lanes.append(lane)
        self._tail.listen(lane.wake, lane.place)
        self._choice = None

    def remove(self, lane: Lane) -> None:
        """Forget a lane."""
        lane.leave()
        self._lanes.remove(lane)
        self._tail.forget(lane.wake)
        self._choice = None

    def join(self, lane: Lane, taken: int) -> bool:
        """Give a lane what is committed from now on; return False where its instance is still behind."""
        if taken < self.scanned:
            return False
        lane.live = True
        self._tail.forget(lane.wake)
        return True

    def _leave(self, lane: Lane) -> None:
        lane.leave()
        self._tail.listen(lane.wake, lane.place)

    def _sort(self) -> None:
        events = self._tail.after(self.scanned, self._tail.newest - self.scanned)
        self.scanned = self._tail.newest
        if events is None:
            for lane in self._lanes:
                self._leave(lane)
                lane.wake()
            return  # more at once than the tail keeps
        choice = self._choice = self._choice or Choice(self._lanes)
        touched: dict[Lane, None] = {}
        for event in events:
            for lane in choice.find(event):
                if lane.live:
                    lane.events.append(event)
                    touched[lane] = None
        for lane in touched:
            if len(lane.events) > LANE_EVENTS:
                self._leave(lane)
            lane.wake()

"""Tells, for each committed event, which instances want it: once for all of them.

Asking every instance's match about every event would cost a hundred instances most of the ingest speed. What
place and labels decide is remembered for each combination that occurs; what is left is ordered by the least
confidence it asks for, so that only the matches which may hold are asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable

from hub.dispatch.match import Match
from hub.event import Event
from hub.store.tail import Tail

LANE_EVENTS = 10_000
KNOWN_COMBINATIONS = 4096
_Combination = tuple[str, str, str | None, str, tuple[str, ...]]
_Candidates = tuple[list[float], list[list["Lane"]]]


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


class Sieve:
    """Sorts what is committed into the lanes of the instances that have caught up with the tail."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self.scanned = tail.newest
        """The id of the last event that was sorted; the live lanes hold all that is wanted up to it."""
        self._lanes: list[Lane] = []
        self._known: dict[_Combination, _Candidates] = {}
        tail.listen(self._sort, lambda: self.scanned)

    def add(self, lane: Lane) -> None:
        """Know a lane from now on; it gets events once it has joined, and reads the tail until then."""
        self._lanes.append(lane)
        self._tail.listen(lane.wake, lane.place)
        self._known.clear()

    def remove(self, lane: Lane) -> None:
        """Forget a lane."""
        lane.leave()
        self._lanes.remove(lane)
        self._tail.forget(lane.wake)
        self._known.clear()

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
        touched: dict[Lane, None] = {}
        for event in events:
            for lanes in self._find_candidates(event):
                if lanes[0].match.wants_rest(event):
                    for lane in lanes:
                        if lane.live:
                            lane.events.append(event)
                            touched[lane] = None
        for lane in touched:
            if len(lane.events) > LANE_EVENTS:
                self._leave(lane)
            lane.wake()

    def _find_candidates(self, event: Event) -> list[list[Lane]]:
        """Return the lanes whose place, labels and least confidence do not rule the event out, by match."""
        labels, best = [], 0.0
        for detection in event.detections:
            labels.append(detection.label)
            best = max(best, detection.confidence)
        combination = (event.kind, event.device, event.camera, event.source, tuple(labels))
        candidates = self._known.get(combination)
        if candidates is None:
            candidates = self._learn(combination, event)
        least, lanes = candidates
        return lanes[: bisect_right(least, best)]

    def _learn(self, combination: _Combination, event: Event) -> _Candidates:
        if len(self._known) >= KNOWN_COMBINATIONS:
            self._known.clear()
        by_match: dict[str, list[Lane]] = {}
        for lane in self._lanes:
            if lane.match.wants_place(event) and _fits(lane.match, event):
                by_match.setdefault(lane.same, []).append(lane)
        fitting = sorted(by_match.values(), key=lambda lanes: lanes[0].match.least_confidence)
        candidates = [lanes[0].match.least_confidence for lanes in fitting], fitting
        self._known[combination] = candidates
        return candidates


def _fits(match: Match, event: Event) -> bool:
    fits = match.fits_label
    return fits is None or any(fits(detection.label) for detection in event.detections)

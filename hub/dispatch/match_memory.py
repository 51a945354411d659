"""The settings of a match that depend on earlier events: `new_after_s` and `once_within_s`.

Events are taken in order of id. What is let through is marked in the effects ledger, in the transaction that
moves the cursor; so a restart goes on where the cursor stands, and `explain` can tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from hub.dispatch.match import Match
from hub.dispatch.place import place_of
from hub.event import Detection, Event
from hub.store.suppression import MARK, Passed

KNOWN = 20_000
Key = tuple[str, str]


def seen_at(event: Event) -> datetime:
    """Return when an event took place; a clock that runs ahead of the hub's does not hold."""
    return min(event.captured_at, event.received_at)


class MatchMemory:
    """What was seen and let through so far, by place and label (for objects that are tracked, by track)."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._seen: dict[Key, datetime] = {}
        self._passed: dict[Key, datetime] = {}

    def load(self, earlier: Iterable[Event], marks: Iterable[Passed]) -> None:
        """Remember events before the cursor, and what was let through; both oldest first."""
        for event in earlier:
            if self._match.refusal(event) is None:
                self._find_new(event)
        for mark in marks:
            place, _, label = mark.group.removeprefix(MARK).partition("\n")
            _remember(self._passed, (place, label), mark.at)

    def take(self, event: Event) -> list[Passed] | None:
        """Return the marks to write for a wanted event, or None when it is no news."""
        place, at = place_of(event), seen_at(event)
        labels = {
            found.label for found in self._find_new(event) if not self._is_repeat(place, found.label, at)
        }
        for label in labels:
            _remember(self._passed, (place, label), at)
        marks = [
            Passed(f"{MARK}{event.id}/{label}", f"{MARK}{place}\n{label}", at, event.id, 0)
            for label in labels
        ]
        return marks or None

    def _find_new(self, event: Event) -> list[Detection]:
        """Return the wanted detections of objects that are new, and remember all of them as seen."""
        wanted, after_s = self._match.wanted(event), self._match.new_after_s
        if after_s is None:
            return wanted
        place, at = place_of(event), seen_at(event)
        before = {object_of(found): self._seen.get((place, object_of(found))) for found in wanted}
        for name in before:
            _remember(self._seen, (place, name), at)
        return [
            found
            for found in wanted
            if (last := before[object_of(found)]) is None or abs((at - last).total_seconds()) >= after_s
        ]

    def _is_repeat(self, place: str, label: str, at: datetime) -> bool:
        within_s, last = self._match.once_within_s, self._passed.get((place, label))
        return within_s is not None and last is not None and abs((at - last).total_seconds()) < within_s


def object_of(found: Detection) -> str:
    """Return what tells an object from others in its place: its track, else its label."""
    return f"track {found.track}" if found.track else f"label {found.label}"


def _remember(known: dict[Key, datetime], key: Key, at: datetime) -> None:
    known.pop(key, None)  # so that the ones not seen for longest come first
    known[key] = at
    if len(known) > KNOWN:
        for old in list(islice(known, KNOWN // 2)):
            del known[old]

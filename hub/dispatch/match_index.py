"""Tells which of many matches want an event, at a cost that hardly grows with their number.

Each condition narrows all of them down at once: the answers it can give are masks, worked out beforehand or
when they are first needed. What no mask can tell is asked of the match itself, whose word is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from hub.dispatch.match import Match, Place
from hub.dispatch.match_index_zones import ZoneGrid
from hub.dispatch.match_masks import Spans, mask_of, numbers_in
from hub.dispatch.match_schedule import begin_of, minute_of
from hub.dispatch.match_shape import SIDES, ZonePoint, measure, point_of
from hub.event import Box, Detection, Event

KNOWN_PLACES = 4096
KNOWN_LABELS = 1024
KNOWN_MINUTES = 1024
_ANY = (0.0, 1.0)
_POINTS: tuple[ZonePoint, ...] = ("center", "bottom")


class MatchIndex:
    """All matches, by number from 0 on."""

    def __init__(self, matches: Sequence[Match]) -> None:
        self._matches = matches
        self._timed = mask_of(matches, lambda match: match.holds)
        self._asking = mask_of(matches, lambda match: match.asks_detections)
        self._counting = mask_of(matches, lambda match: match.max_count or (match.min_count or 1) > 1)
        self._boxes = BoxIndex(matches)
        self._confidences = Spans((match.min_confidence, 1.0) for match in matches)
        self._own_leasts = {label for match in matches for label in match.min_confidence_per_label}
        self._find_place = lru_cache(KNOWN_PLACES)(self._learn_place)
        self._find_minute = lru_cache(KNOWN_MINUTES)(self._learn_minute)
        self._find_label = lru_cache(KNOWN_LABELS)(self._learn_label)

    def find(self, event: Event) -> int:
        """Return the mask of the matches that want an event; earlier events have no say in it."""
        left = self._find_place(event.kind, event.device, event.camera, event.source)
        if left & self._timed:
            left &= self._find_minute(minute_of(event.captured_at))
        asking = left & self._asking
        if not asking:
            return left
        found = self._find_wanted(event.detections, asking)
        for number in numbers_in(found & self._counting):
            if not self._matches[number].wants_rest(event):
                found ^= 1 << number
        return left ^ asking | found

    def _find_wanted(self, detections: Sequence[Detection], asking: int) -> int:
        """Return those of `asking` that want one of the detections."""
        found = 0
        for detection in detections:
            wants_label, confidences = self._find_label(detection.label)
            left = asking & ~found & wants_label
            if left:
                left &= confidences.find(detection.confidence)
            if left:
                found |= self._boxes.find(detection, left)
        return found

    def _learn_place(self, kind: str, device: str, camera: str | None, source: str) -> int:
        place = Place(kind, device, camera, source)
        return mask_of(self._matches, lambda match: match.wants_place(place))

    def _learn_minute(self, minute: int) -> int:
        at = begin_of(minute)
        return mask_of(self._matches, lambda match: match.holds is None or match.holds(at))

    def _learn_label(self, label: str) -> tuple[int, Spans]:
        """Return who wants a label, and from which confidence on."""
        wanted = mask_of(self._matches, lambda match: match.fits_label is None or match.fits_label(label))
        if label not in self._own_leasts:
            return wanted, self._confidences
        return wanted, Spans((match.confidence_for(label), 1.0) for match in self._matches)


class BoxIndex:
    """What matches ask of a detection's box: its size, and where it is."""

    def __init__(self, matches: Sequence[Match]) -> None:
        self._matches = matches
        self._asking = mask_of(matches, lambda match: match.box or _has_zones(match))
        spans = [[match.box.span(side) if match.box else _ANY for match in matches] for side in SIDES]
        self._sizes = [(at, Spans(found)) for at, found in enumerate(spans) if set(found) != {_ANY}]
        self._sized = mask_of(matches, lambda match: match.box)
        self._grids = [
            (where, sum(1 << number for number in zoned), ZoneGrid(zoned))
            for where in _POINTS
            if (zoned := _find_zoned(matches, where))
        ]

    def find(self, detection: Detection, left: int) -> int:
        """Return those that are left of the ones that want label and confidence."""
        asking = left & self._asking
        if not asking:
            return left
        box = detection.box
        return left ^ asking | (self._find_boxed(detection, box, asking) if box is not None else 0)

    def _find_boxed(self, detection: Detection, box: Box, left: int) -> int:
        cut = 0
        for where, zoned, grid in self._grids:
            if left & zoned:
                cell = grid.find(point_of(box, where))
                cut |= cell.cut
                left &= ~zoned | cell.inside | cell.cut
        if left & self._sized:
            sizes = measure(box)
            for at, spans in self._sizes:
                left &= spans.find(sizes[at])
        unsure = left & cut
        sure = (1 << number for number in numbers_in(unsure) if self._matches[number].wants(detection))
        return left ^ unsure | sum(sure)


def _has_zones(match: Match) -> bool:
    return match.zones is not None or match.ignore_zones is not None


def _find_zoned(matches: Sequence[Match], where: ZonePoint) -> dict[int, Match]:
    return {
        number: match
        for number, match in enumerate(matches)
        if _has_zones(match) and match.zone_point == where
    }

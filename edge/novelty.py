"""Decides which of a camera's findings are worth an event, so that a hand held up is not hundreds of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.config import CaptureTable
    from hub.event import Box, Detection


@dataclass(slots=True, eq=False)
class _Known:
    """Something told: where it was when it was told, and when it was last seen."""

    label: str
    box: Box | None
    seen_at: float


class Novelty:
    """Remembers what was told.

    Args:
        rules: The table [capture] of agent.toml.
        clock: Seconds that only grow.
    """

    def __init__(self, rules: CaptureTable, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules, self._clock = rules, clock
        self._told_at = float("-inf")
        self._known: list[_Known] = []

    def admit(self, detections: tuple[Detection, ...]) -> bool:
        """Return whether what a frame shows becomes an event; if so, it is remembered as told."""
        now = self._clock()
        self._known = [known for known in self._known if now - known.seen_at <= self._rules.forget_s]
        worth = not self._rules.new_object or self._is_new(detections, now) or not detections
        if not worth or now - self._told_at < self._rules.min_interval_s:
            return False
        self._told_at = now
        if self._rules.new_object:
            self._remember(detections, now)
        return True

    def _is_new(self, detections: tuple[Detection, ...], now: float) -> bool:
        """Return whether there is one that is not known, and note that the known ones are still there."""
        found = [self._find(detection) for detection in detections]
        for known in found:
            if known is not None:
                known.seen_at = now
        return None in found

    def _find(self, detection: Detection) -> _Known | None:
        same = (known for known in self._known if known.label == detection.label)
        return next((known for known in same if self._stayed(known.box, detection.box)), None)

    def _stayed(self, before: Box | None, after: Box | None) -> bool:
        return before is None or after is None or overlap(before, after) >= self._rules.same_iou

    def _remember(self, detections: tuple[Detection, ...], now: float) -> None:
        again = [self._find(detection) for detection in detections]
        told = [_Known(detection.label, detection.box, now) for detection in detections]
        self._known = [known for known in self._known if known not in again] + told


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0..1."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - common
    return common / union if union > 0 else 1.0

"""Compares what was found on frames with the truth about them: boxes by their overlap, labels by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.event import Box, Detection

MATCH_OVERLAP = 0.5


class Match(NamedTuple):
    """The places of a detection and of the box it found, and their intersection over union."""

    detection: int
    box: int
    overlap: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well frames were read; `mean_overlap` is over all true boxes, a missed one counting 0."""

    true: int
    found: int
    matched: int
    overlap: float

    @property
    def precision(self) -> float:
        """The share of what was found that is true; 1 if nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what is true that was found; 1 if nothing is true."""
        return self.matched / self.true if self.true else 1.0

    @property
    def mean_overlap(self) -> float:
        """The mean intersection over union."""
        return self.overlap / self.true if self.true else 1.0


def intersect(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0..1."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - shared
    return shared / union if union > 0 else 0.0


def score_frames(frames: Iterable[tuple[Sequence[Detection], Sequence[Box]]]) -> Score:
    """Score frames, each given as (what was found, the true boxes).

    Boxes are matched as `match_boxes` does.
    """
    true = found = matched = 0
    total = 0.0
    for detections, boxes in frames:
        overlaps = [match.overlap for match in match_boxes(detections, boxes)]
        true, found, matched = true + len(boxes), found + len(detections), matched + len(overlaps)
        total += sum(overlaps)
    return Score(true, found, matched, total)


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well whole frames were named: `right` ones got their label, or none where there is none."""

    frames: int
    right: int
    named: int
    rightly_named: int

    @property
    def accuracy(self) -> float:
        """The share of frames that were read rightly; 1 if there are none."""
        return self.right / self.frames if self.frames else 1.0

    @property
    def precision(self) -> float:
        """The share of the labels given that are true; 1 if none was given."""
        return self.rightly_named / self.named if self.named else 1.0


def score_labels(frames: Iterable[tuple[Sequence[Detection], str | None]]) -> LabelScore:
    """Score frames, each given as (what was found, the true label or None); the surest detection counts."""
    total = right = named = rightly_named = 0
    for detections, truth in frames:
        best = max(detections, key=lambda detection: detection.confidence, default=None)
        label = best.label if best else None
        total, named = total + 1, named + (label is not None)
        right, rightly_named = (
            right + (label == truth),
            rightly_named + (label is not None and label == truth),
        )
    return LabelScore(total, right, named, rightly_named)


def match_boxes(detections: Sequence[Detection], boxes: Sequence[Box]) -> list[Match]:
    """Return which detection has found which box, the surest detection choosing first.

    A box is found once, from an intersection over union of 0.5 on. So what the detections from some
    confidence on have found does not depend on those below it.
    """
    left_over = dict(enumerate(boxes))
    matches = []
    for number, detection in sorted(enumerate(detections), key=lambda one: -one[1].confidence):
        if detection.box is None or not left_over:
            continue
        place = detection.box
        overlaps = {key: intersect(place, box) for key, box in left_over.items()}
        best = max(overlaps, key=overlaps.__getitem__)
        if overlaps[best] >= MATCH_OVERLAP:
            del left_over[best]
            matches.append(Match(number, best, overlaps[best]))
    return matches

"""How well a detector finds thumbs up at a view angle: average precision, and what it takes for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.demo.score import MATCH_OVERLAP, intersect
from edge.model import Detector, read_card
from edge.training.hands import RAISED, THUMB, draw_shot
from hub.event import Box, Detection

FLOOR = 0.01  # detections below it change no figure


@dataclass(frozen=True, slots=True)
class ThumbsScore:
    """Detections of one angle as (confidence, is true), how many thumbs there were, and who was mistaken."""

    ranked: Sequence[tuple[float, bool]]
    thumbs: int
    shown: Counter[str]
    mistaken: Counter[str]

    @property
    def average_precision(self) -> float:
        """The area under the precision-recall curve, precision made monotonous (Pascal VOC since 2010)."""
        precisions, recalls = self._curve()
        best = np.maximum.accumulate(precisions[::-1])[::-1]
        return float(np.sum(best * np.diff(recalls, prepend=0.0)))

    def precision_at(self, recall: float) -> float:
        """The precision where so much is first found; 0 if it never is."""
        precisions, recalls = self._curve()
        place = int(np.searchsorted(recalls, recall))
        return float(precisions[place]) if place < len(precisions) else 0.0

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall of the detections with so much confidence."""
        told = [true for confidence, true in self.ranked if confidence >= threshold]
        return (sum(told) / len(told) if told else 1.0), sum(told) / self.thumbs

    def mistakes(self, names: Sequence[str]) -> float:
        """The share of other hands of these names that were reported as a thumb up."""
        return sum(self.mistaken[name] for name in names) / sum(self.shown[name] for name in names)

    def _curve(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
        true = np.array([one for _, one in sorted(self.ranked, reverse=True)])
        hits = np.cumsum(true)
        return hits / np.arange(1, len(true) + 1), hits / self.thumbs


def score_thumbs(folder: Path, angle_degrees: float, *, frames: int, seed: int) -> ThumbsScore:
    """Score a detector on so many frames of three hands each; a thumb up is found at an IoU of 0.5."""
    card = read_card(folder)
    detector = Detector(folder, card=card.model_copy(update={"threshold": FLOOR, "thresholds": {}}))
    rng = np.random.default_rng([seed, int(angle_degrees)])
    ranked: list[tuple[float, bool]] = []
    shown: Counter[str] = Counter()
    mistaken: Counter[str] = Counter()
    for _ in range(frames):
        shot = draw_shot(rng, angle_degrees)
        found = detector.detect(shot.pixels)
        ranked += rank(found, shot.thumbs_up)
        told = [one for one in found if one.confidence >= card.threshold_of(THUMB)]
        shown.update(name for name, _ in shot.hands)
        mistaken.update(name for name, box in shot.hands if any(_covers(one, box) for one in told))
    return ThumbsScore(ranked, shown[THUMB], shown, mistaken)


def rank(detections: Sequence[Detection], boxes: Sequence[Box]) -> list[tuple[float, bool]]:
    """Return each detection's confidence and whether it is true; the surest chooses its box first."""
    left_over = list(boxes)
    ranked = []
    for one in sorted(detections, key=lambda one: -one.confidence):
        place = one.box
        hit = place and max(left_over, key=lambda box: intersect(place, box), default=None)
        true = bool(place and hit and intersect(place, hit) >= MATCH_OVERLAP)
        if true and hit:
            left_over.remove(hit)
        ranked.append((one.confidence, true))
    return ranked


def _covers(one: Detection, hand: Box) -> bool:
    return one.box is not None and intersect(one.box, hand) >= 0.3


def mistaken_rows(scores: Sequence[ThumbsScore]) -> list[str]:
    """Return how often each other hand was taken for a thumb up, over all angles, the worst first."""
    shown = sum((score.shown for score in scores), Counter[str]())
    mistaken = sum((score.mistaken for score in scores), Counter[str]())
    others = sorted(set(shown) - {THUMB}, key=lambda name: -mistaken[name] / shown[name])
    return [f"{name}{' (raised)' * (name in RAISED)}: {mistaken[name]} of {shown[name]}" for name in others]

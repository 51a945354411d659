"""How far two models agree on pictures: the share of what either sees that both see."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edge.kinds.suppression import overlap
from edge.model_card import ModelCard
from hub.event import MAX_DETECTIONS, Box, Detection

SAME_PLACE = 0.5  # intersection over union from which two boxes are one
Seen = tuple[Detection, ...]


def without_limits(card: ModelCard) -> ModelCard:
    """Return a card with which a model tells all it sees, however unsure."""
    open_to = {"threshold": 0.0, "thresholds": {}, "ignore": (), "top_k": MAX_DETECTIONS, "min_area": 0.0}
    return card.model_copy(update=open_to)


def measure_agreement(pairs: Iterable[tuple[Seen, Seen]]) -> float:
    """Return how far what two models saw on the same pictures agrees, 0 to 1.

    It is the Dice coefficient, each detection counted by its confidence (and its area, where it has one):
    with probabilities for classes it is 1 less half of their summed difference.
    """
    shared = total = 0.0
    for one, other in pairs:
        shared += 2 * _share(one, other)
        total += sum(map(_weigh, one)) + sum(map(_weigh, other))
    return min(1.0, shared / total) if total > 0 else 1.0


def _weigh(detection: Detection) -> float:
    area = detection.attributes.get("area")
    return detection.confidence * (area if isinstance(area, float) else 1.0)


def _share(one: Seen, other: Seen) -> float:
    left = list(other)
    shared = 0.0
    for detection in one:
        fits = [_fit(detection, candidate) for candidate in left]
        best = int(np.argmax(fits)) if fits else 0
        if fits and fits[best] >= SAME_PLACE:
            shared += min(_weigh(detection), _weigh(left.pop(best)))
    return shared


def _fit(one: Detection, other: Detection) -> float:
    """Return how far two detections are the same: 0 for other labels, else how far their boxes overlap."""
    if one.class_id != other.class_id:
        return 0.0
    if one.box is None or other.box is None:
        return 1.0
    return float(overlap(_corners(one.box), _corners(other.box)[None])[0])


def _corners(box: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(box.corners_in(1, 1))

"""Average precision by COCO's rules, as pycocotools finds it; resamples of pictures weigh what it matched."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edge.evaluation.exam import Scene
from edge.evaluation.looking import Found
from hub.event import MAX_DETECTIONS, Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)
ANY_AREA = [0.0, 1e10]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A class's detections at an overlap of 0.5, the surest first.

    Attributes:
        picture: The number of the picture of each.
        true: Whether each is true.
        expected: How many are true of each picture.
    """

    picture: NDArray[np.int64]
    true: NDArray[np.bool_]
    expected: NDArray[np.int64]

    def average(self, weights: NDArray[np.int64]) -> float | None:
        """Return AP50 with each picture counted so often; None where nothing is true of any."""
        expected = int(self.expected @ weights)
        if not expected:
            return None
        often = weights[self.picture]
        true, false = np.cumsum(often * self.true), np.cumsum(often * ~self.true)
        precision = np.maximum.accumulate((true / np.maximum(true + false, 1))[::-1])[::-1]
        places = np.searchsorted(true / expected, RECALLS, side="left")
        return float(np.append(precision, 0.0)[places].mean())


@dataclass(frozen=True, slots=True)
class Averages:
    """Average precisions, 0..1, by class; None where nothing is true."""

    ap50: dict[str, float | None]
    ap50_95: dict[str, float | None]
    ranked: tuple[Ranked, ...]

    def resample(self, weights: NDArray[np.int64]) -> float | None:
        """Return the mean AP50 with each picture counted so often."""
        return mean([one.average(weights) for one in self.ranked])


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of those that there are."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def find_averages(scenes: Sequence[Scene], found: Sequence[Found], classes: Sequence[str]) -> Averages:
    """Return the average precisions of a model."""
    number_of = {label: number for number, label in enumerate(classes, 1)}
    truth = [(image, one.label, one.box, None) for image, scene in enumerate(scenes) for one in scene.truths]
    seen = [(image, one.label, one.box, one.confidence) for image, row in enumerate(found) for one in row]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        judge = COCOeval(_index(truth, number_of, len(scenes)), _index(seen, number_of, len(scenes)), "bbox")
        judge.params.areaRng, judge.params.areaRngLbl = [ANY_AREA], ["all"]
        judge.params.maxDets = [MAX_DETECTIONS]  # the card's limit is kept before
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"]  # (overlaps, recalls, classes, 1, 1); -1 where nothing is true
    ap50 = {label: _mean_of(precision[:1, :, number]) for number, label in enumerate(classes)}
    ap50_95 = {label: _mean_of(precision[:, :, number]) for number, label in enumerate(classes)}
    ranked = tuple(_rank(judge, number, len(scenes)) for number in range(len(classes)))
    return Averages(ap50, ap50_95, ranked)


def _mean_of(precision: NDArray[np.float64]) -> float | None:
    return None if (precision < 0).all() else float(precision.mean())


def _index(
    things: Sequence[tuple[int, str, Box | None, float | None]], number_of: dict[str, int], images: int
) -> Any:
    """Return COCO's index of boxes in fractions, which overlap as those in pixels do."""
    made = COCO()
    made.dataset = {
        "images": [{"id": image + 1} for image in range(images)],
        "categories": [{"id": number} for number in number_of.values()],
        "annotations": [
            {
                "id": key,
                "image_id": image + 1,
                "category_id": number_of[label],
                "bbox": [box.left, box.top, box.width, box.height],
                "area": box.width * box.height,
                "iscrowd": 0,
                "score": score,
            }
            for key, (image, label, box, score) in enumerate(things, 1)
            if box is not None
        ],
    }
    made.createIndex()
    return made


def _rank(judge: Any, number: int, images: int) -> Ranked:
    """Return what COCOeval matched for a class at its first overlap, 0.5."""
    rows = judge.evalImgs[number * images : (number + 1) * images]
    expected = np.array([len(row["gtIds"]) if row else 0 for row in rows], np.int64)
    scores = np.concatenate([np.empty(0), *(row["dtScores"] for row in rows if row)])
    true = np.concatenate([np.empty(0, bool), *(row["dtMatches"][0] > 0 for row in rows if row)])
    counts = [len(row["dtScores"]) if row else 0 for row in rows]
    order = np.argsort(-scores, kind="stable")
    return Ranked(np.repeat(np.arange(images), counts)[order], true[order], expected)

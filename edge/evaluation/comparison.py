"""Whether a new model is better than an old one on the same pictures, or only luckier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge.evaluation.counts import find_f1
from edge.evaluation.figures import Figures, Seen, as_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 1000
CERTAINTY = 0.95
LEAST_PICTURES = 20  # with fewer, resamples are too alike to show how far chance reaches
Verdict = Literal["better", "worse", "no difference"]
Measure = Callable[["NDArray[np.int64]"], float | None]
"""A figure with each picture counted so often; None where it is not defined."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a figure changed, and between what 95 % of the resamples lie; None where it is not defined."""

    name: str
    old: float | None
    new: float | None
    low: float | None
    high: float | None

    @property
    def change(self) -> float | None:
        """New less old."""
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def verdict(self) -> Verdict:
        """What can be told from chance."""
        if self.low is not None and self.low > 0:
            return "better"
        return "worse" if self.high is not None and self.high < 0 else "no difference"


@dataclass(frozen=True, slots=True)
class Changed:
    """A picture on which the models differ; `gain` is by how much less the new one is wrong."""

    old: Seen
    new: Seen

    @property
    def gain(self) -> float:
        """The summed errors of the old model less those of the new."""
        return self.old.errors - self.new.errors


class Comparison:
    """Two models on the same pictures.

    Args:
        seed: Another number gives other resamples.
    """

    def __init__(self, old: Figures, new: Figures, seed: int = 0) -> None:
        self.old, self.new, self._seed = old, new, seed

    @cached_property
    def differences(self) -> list[Difference]:
        """The figure that decides first: AP50 of boxes, accuracy of labels; then F1 at the threshold."""
        main = (_ap50, "AP50") if self.old.has_boxes else (_accuracy, "accuracy")
        kinds = (main, (_f1, "F1 at the threshold"))
        return self._resample([(name, make(self.old), make(self.new)) for make, name in kinds])

    def _resample(self, measures: list[tuple[str, Measure, Measure]]) -> list[Difference]:
        pictures = len(self.old.scenes)
        draw = np.random.default_rng(self._seed)
        gains: list[list[float]] = [[] for _ in measures]
        for _ in range(RESAMPLES if self.is_enough else 0):
            weights = np.bincount(draw.integers(0, pictures, pictures), minlength=pictures)
            for kept, (_, before, after) in zip(gains, measures, strict=True):
                old, new = before(weights), after(weights)
                if old is not None and new is not None:
                    kept.append(new - old)
        once = np.ones(pictures, np.int64)
        return [
            Difference(name, before(once), after(once), *_interval(kept))
            for kept, (name, before, after) in zip(gains, measures, strict=True)
        ]

    @property
    def is_enough(self) -> bool:
        """Whether there are pictures enough to tell anything from chance."""
        return len(self.old.scenes) >= LEAST_PICTURES

    @property
    def verdict(self) -> Verdict:
        """Whether the new model is better, by the figure that decides."""
        return self.differences[0].verdict

    @property
    def changed(self) -> list[Changed]:
        """The pictures on which the models differ, the most changed first."""
        both = (Changed(old, new) for old, new in zip(self.old.seen, self.new.seen, strict=True))
        moved = [one for one in both if abs(one.gain) > 1e-9]
        return sorted(moved, key=lambda one: (-abs(one.gain), one.old.scene.name))

    def as_json(self, most: int) -> dict[str, Any]:
        """Return the verdict, what it rests on, and so many of the changed pictures."""
        return {
            "verdict": self.verdict,
            "differences": [asdict(one) | {"change": one.change} for one in self.differences],
            "resamples": RESAMPLES if self.is_enough else 0,
            "certainty": CERTAINTY,
            "seed": self._seed,
            "changed": [
                {"gain": one.gain, "old": as_json(one.old), "new": as_json(one.new)}
                for one in self.changed[:most]
            ],
        }


def _interval(values: list[float]) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    rest = (1 - CERTAINTY) / 2 * 100
    low, high = np.percentile(values, [rest, 100 - rest])
    return float(low), float(high)


def _ap50(figures: Figures) -> Measure:
    return figures.averages.resample


def _accuracy(figures: Figures) -> Measure:
    right = np.array([one.is_right for one in figures.seen], np.int64)
    return lambda weights: float(right @ weights / weights.sum())


def _f1(figures: Figures) -> Measure:
    rows = [
        (
            sum(one.is_right for one in seen.pairs),
            sum(one.found is not None and not one.is_right for one in seen.pairs),
            sum(one.truth is not None and not one.is_right for one in seen.pairs),
        )
        for seen in figures.seen
    ]
    counts = np.array(rows, np.int64)
    return lambda weights: find_f1(*(int(number) for number in weights @ counts))

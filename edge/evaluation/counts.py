"""Counts what was expected, true, false and missed, as the published table has it, and at every threshold."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.evaluation.exam import Scene
from edge.evaluation.looking import Found
from edge.evaluation.pairing import Pair, find_true

THRESHOLDS = tuple(round(step / 20, 2) for step in range(1, 20))
Confusion = Counter[tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Counts:
    """The published table: `expected` is what is true, found or not; means are None of nothing."""

    expected: int
    true: int
    false: int
    missed: int
    mean_true_confidence: float | None
    mean_false_confidence: float | None

    @property
    def precision(self) -> float | None:
        """The share of what was found that is true; None if nothing was found."""
        return self.true / (self.true + self.false) if self.true + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of what is true that was found; None if nothing is true."""
        return self.true / self.expected if self.expected else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None if nothing is true and nothing was found."""
        return find_f1(self.true, self.false, self.missed)


@dataclass(frozen=True, slots=True)
class Point:
    """Precision and recall of what was found with so much confidence or more."""

    threshold: float
    true: int
    false: int
    missed: int
    precision: float | None
    recall: float | None
    f1: float | None


def find_f1(true: int, false: int, missed: int) -> float | None:
    """Return the harmonic mean of precision and recall."""
    return 2 * true / (2 * true + false + missed) if true + false + missed else None


def count(pairs: Iterable[Pair]) -> Counts:
    """Count pairs."""
    listed = list(pairs)
    expected = sum(one.truth is not None for one in listed)
    true = [one.found.confidence for one in listed if one.found and one.is_right]
    false = [one.found.confidence for one in listed if one.found and not one.is_right]
    return Counts(expected, len(true), len(false), expected - len(true), _mean(true), _mean(false))


def count_class(pairs: Sequence[Pair], label: str) -> Counts:
    """Count what pairs say of one class: mistaken for it is false, mistaken for another is missed."""
    found = [one for one in pairs if one.found and one.found.label == label]
    missed = [one for one in pairs if one.truth and one.truth.label == label and not one.is_right]
    false = [Pair(None, one.found) for one in found if not one.is_right]
    return count([*filter(_is_right, found), *(Pair(one.truth, None) for one in missed), *false])


def _is_right(one: Pair) -> bool:
    return one.is_right


def count_confusion(pairs: Iterable[Pair]) -> Confusion:
    """Count pairs by what is true and what was found; None is nothing."""
    return Counter(
        (one.truth.label if one.truth else None, one.found.label if one.found else None) for one in pairs
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


class Curve:
    """Precision and recall over thresholds, of all classes or one."""

    def __init__(self, scenes: Sequence[Scene], found: Sequence[Found], label: str | None = None) -> None:
        self._true: list[float] = []
        self._false: list[float] = []
        self._expected = 0
        for scene, row in zip(scenes, found, strict=True):
            self._add(scene, row, label)
        self._true.sort()
        self._false.sort()

    def _add(self, scene: Scene, row: Found, label: str | None) -> None:
        told = row if row and row[0].box else row[:1]  # of labels for the whole picture the surest counts
        true = find_true(scene.truths, row)
        for place, one in enumerate(told):
            if label in (None, one.label):
                (self._true if place in true else self._false).append(one.confidence)
        self._expected += sum(label in (None, truth.label) for truth in scene.truths)

    def at(self, threshold: float) -> Point:
        """Return what holds at a threshold."""
        true = len(self._true) - bisect_left(self._true, threshold)
        false = len(self._false) - bisect_left(self._false, threshold)
        counts = Counts(self._expected, true, false, self._expected - true, None, None)
        return Point(threshold, true, false, counts.missed, counts.precision, counts.recall, counts.f1)

    @property
    def points(self) -> list[Point]:
        """The points of a table."""
        return [self.at(threshold) for threshold in THRESHOLDS]

    @property
    def steps(self) -> list[Point]:
        """A point for each confidence that there is, the highest first."""
        return [self.at(confidence) for confidence in sorted({*self._true, *self._false}, reverse=True)]

    @property
    def best(self) -> Point | None:
        """The threshold with the highest F1; None if there is nothing to find or none was found."""
        return max(self.steps, key=lambda point: point.f1 or 0.0, default=None) if self._true else None

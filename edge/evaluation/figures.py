"""All that is said of one model on an exam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from edge.bench import Latency
from edge.evaluation.average import Averages, find_averages, mean
from edge.evaluation.counts import Confusion, Counts, Curve, count, count_class, count_confusion
from edge.evaluation.exam import BOXES, Exam, Scene
from edge.evaluation.looking import Found, Looked
from edge.evaluation.pairing import Pair, pair
from edge.model_card import ModelCard

MOST_TOLD = 4  # mistakes of a picture
TOP = (2, 3, 5)
"""How many of the surest labels are looked at: at most half of all, else it says little."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture as a model saw it."""

    scene: Scene
    found: Found
    pairs: list[Pair]

    @property
    def error(self) -> float:
        """The worst of what is wrong, 0..1."""
        return max((one.error for one in self.pairs), default=0.0)

    @property
    def errors(self) -> float:
        """The sum of what is wrong."""
        return sum(one.error for one in self.pairs)

    @property
    def is_right(self) -> bool:
        """Whether nothing is missed and nothing false."""
        return all(one.is_right for one in self.pairs)


class Figures:
    """What is said of a model. Figures are found when they are asked for.

    Args:
        turn: Which of the models that looked it is.
        threshold: The confidence from which a detection counts; None for the card's.
    """

    def __init__(
        self, card: ModelCard, exam: Exam, looked: Looked, turn: int = 0, threshold: float | None = None
    ) -> None:
        self.card, self.exam, self.threshold = card, exam, threshold
        self.scenes = looked.scenes
        self.found = [row[turn] for row in looked.found]
        self.latency = Latency.of([row[turn] for row in looked.seconds])

    @property
    def title(self) -> str:
        """The model's name and version."""
        return f"{self.card.name} {self.card.version}"

    @property
    def has_boxes(self) -> bool:
        """Whether it says where things are."""
        return self.exam.kind == BOXES

    def limit(self, label: str) -> float:
        """Return the confidence from which a detection of a label counts."""
        return self.card.threshold_of(label) if self.threshold is None else self.threshold

    @cached_property
    def seen(self) -> list[Seen]:
        """Every picture, with what is right and wrong at the threshold."""
        rows = zip(self.scenes, self.found, strict=True)
        return [Seen(scene, found, pair(scene.truths, found, self.limit)) for scene, found in rows]

    @cached_property
    def pairs(self) -> list[Pair]:
        """What is right and wrong of all pictures."""
        return [one for seen in self.seen for one in seen.pairs]

    @cached_property
    def averages(self) -> Averages:
        """Average precisions; only of a model that gives boxes."""
        return find_averages(self.scenes, self.found, self.exam.classes)

    @property
    def ap50(self) -> float | None:
        """The mean over classes; None where nothing is true."""
        return mean(list(self.averages.ap50.values()))

    @property
    def ap50_95(self) -> float | None:
        """The mean over classes and overlaps from 0.5 to 0.95."""
        return mean(list(self.averages.ap50_95.values()))

    @cached_property
    def counts(self) -> Counts:
        """The published table, at the threshold."""
        return count(self.pairs)

    @cached_property
    def classes(self) -> dict[str, Counts]:
        """The same for each class."""
        return {label: count_class(self.pairs, label) for label in self.exam.classes}

    @cached_property
    def confusion(self) -> Confusion:
        """How often what is true was found as what."""
        return count_confusion(self.pairs)

    @cached_property
    def curve(self) -> Curve:
        """Precision and recall over thresholds."""
        return Curve(self.scenes, self.found)

    @property
    def accuracy(self) -> float:
        """The share of pictures that were named rightly at the threshold, or rightly not named."""
        return sum(one.is_right for one in self.seen) / len(self.seen)

    @property
    def top(self) -> dict[int, float]:
        """The share of pictures that show a class which is among the surest labels, by how many those are."""
        shown = [one for one in self.seen if one.scene.truths]
        sizes = (1, *(size for size in TOP if 2 * size <= len(self.exam.counted)))
        return {size: sum(_is_among(one, size) for one in shown) / len(shown) for size in sizes if shown}

    def worst(self, most: int) -> list[Seen]:
        """Return the pictures with the worst mistakes, the worst first."""
        wrong = [one for one in self.seen if not one.is_right]
        return sorted(wrong, key=lambda one: (-one.error, one.scene.name))[:most]

    def as_json(self, most: int) -> dict[str, Any]:
        """Return all of it for programs, with so many of the worst pictures."""
        return {
            "model": {"name": self.card.name, "version": self.card.version, "kind": self.card.kind},
            "threshold": self.card.threshold if self.threshold is None else self.threshold,
            **(self._averages() if self.has_boxes else self._accuracies()),
            "counts": _counts(self.counts),
            "classes": {label: _counts(one) | self._average_of(label) for label, one in self.classes.items()},
            "confusion": [
                {"true": true, "found": found, "count": number}
                for (true, found), number in sorted(self.confusion.items(), key=lambda one: -one[1])
            ],
            "curve": [asdict(point) for point in self.curve.points],
            "best_f1": asdict(self.curve.best) if self.curve.best else None,
            "latency": asdict(self.latency),
            "worst": [as_json(one) for one in self.worst(most)],
        }

    def _averages(self) -> dict[str, Any]:
        return {"ap50": self.ap50, "ap50_95": self.ap50_95}

    def _accuracies(self) -> dict[str, Any]:
        return {"accuracy": self.accuracy, "top": {str(size): share for size, share in self.top.items()}}

    def _average_of(self, label: str) -> dict[str, Any]:
        if not self.has_boxes:
            return {}
        return {"ap50": self.averages.ap50[label], "ap50_95": self.averages.ap50_95[label]}


def as_json(seen: Seen) -> dict[str, Any]:
    """Return what is wrong with one picture, for programs."""
    wrong = sorted((one for one in seen.pairs if not one.is_right), key=lambda one: -one.error)
    return {
        "picture": seen.scene.name,
        "error": seen.error,
        "mistakes": [
            {
                "true": one.truth.label if one.truth else None,
                "found": one.found.label if one.found else None,
                "confidence": one.found.confidence if one.found else None,
                "sure_of_the_truth": one.sure if one.truth else None,
            }
            for one in wrong
        ],
    }


def tell_mistakes(seen: Seen) -> str:
    """Return what is wrong with one picture, for people, the worst first."""
    wrong = sorted((one for one in seen.pairs if not one.is_right), key=lambda one: -one.error)
    more = [f"{len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
    return ", ".join([*map(_tell_mistake, wrong[:MOST_TOLD]), *more]) or "nothing"


def _tell_mistake(one: Pair) -> str:
    if one.truth is None:
        return f"false {one.found.label} {one.found.confidence:.2f}" if one.found else ""
    if one.found is None:
        below = f" (only {one.sure:.2f} sure)" if one.sure >= 0.005 else ""
        return f"missed {one.truth.label}{below}"
    return f"{one.found.label} {one.found.confidence:.2f} for {one.truth.label}"


def _is_among(seen: Seen, size: int) -> bool:
    return seen.scene.truths[0].label in {one.label for one in seen.found[:size]}


def _counts(counts: Counts) -> dict[str, Any]:
    return asdict(counts) | {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def name_all(all_figures: Sequence[Figures]) -> list[str]:
    """Return the titles of models; of two, which is the old one and which the new."""
    titles = [one.title for one in all_figures]
    if len(titles) == 1:
        return titles
    return [f"{age} ({title})" for age, title in zip(("old", "new"), titles, strict=True)]

"""Pictures with truths, and what a model found on them, in a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edge.evaluation.exam import Exam, Scene, Truth
from edge.evaluation.figures import Figures
from edge.evaluation.looking import Looked
from edge.model_card import ModelCard
from hub.event import Box, Detection

Rows = Sequence[tuple[Sequence[Truth], Sequence[Detection]]]


def place(left: float) -> Box:
    return Box(left=left, top=0.1, width=0.1, height=0.2)


@pytest.fixture
def true() -> Callable[..., Truth]:
    """A function from a left edge and a label to a true box."""
    return lambda left, label="up": Truth(label, place(left))


@pytest.fixture
def found() -> Callable[..., Detection]:
    """A function from a left edge, a confidence and a label to a detection."""
    return lambda left, confidence, label="up": Detection(label=label, confidence=confidence, box=place(left))


@pytest.fixture
def figures() -> Callable[..., Figures]:
    """A function from rows of (truths, detections) to what is said of the model that found those."""

    def make(rows: Rows, classes: tuple[str, ...] = ("up",), kind: str = "ssd") -> Figures:
        scenes = tuple(
            Scene(f"{number}.jpg", Path(f"{number}.jpg"), (640, 480), tuple(truths))
            for number, (truths, _) in enumerate(rows)
        )
        best_first = [tuple(sorted(seen, key=lambda one: -one.confidence)) for _, seen in rows]
        card = ModelCard(name="m", version="1", kind=kind, labels=classes, width=64, height=64)
        exam = Exam(kind, "all", classes, frozenset(classes), scenes, ())
        looked = Looked(list(scenes), [(one,) for one in best_first], [(0.001,)] * len(scenes))
        return Figures(card, exam, looked)

    return make

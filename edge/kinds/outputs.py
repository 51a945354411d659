"""What the kinds share: named outputs, scores made probabilities, and the words for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hub.draw.letterbox import Letterbox
from hub.event import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.model_card import ModelCard

Outputs = dict[str, "NDArray[Any]"]
Reader = Callable[[Sequence["NDArray[Any]"], Letterbox], list[Detection]]


class OutputError(ValueError):
    """A model's outputs are not such as its kind, or its card, needs."""


def unknown_shapes(kind: str, outputs: Outputs, known: str) -> OutputError:
    """Return the error that tells the shapes found and the shapes known."""
    found = ", ".join(f"{name} {words(array.shape)}" for name, array in outputs.items()) or "nothing"
    return OutputError(f"gives {found}; kind '{kind}' knows {known}")


def words(shape: Sequence[int]) -> str:
    """Return a shape as it is written in messages."""
    return f"[{','.join(str(side) for side in shape)}]"


def check_scores(card: ModelCard, scores: NDArray[Any], count: int) -> None:
    """Check that the scores of `count` classes go with the labels, and with what the card says they are.

    Raises:
        OutputError: There are more or fewer labels, where not `classes` picks some; or they are said to be
            probabilities and some are outside 0..1.
    """
    if not card.classes and count != len(card.labels):
        raise OutputError(f"gives {count} classes; model.toml has {len(card.labels)} labels")
    if beyond := [number for number in card.classes if number >= count]:
        raise OutputError(f"gives {count} classes; model.toml's classes name number {max(beyond)}")
    if card.scores == "probabilities" and scores.size and (scores.min() < -1e-3 or scores.max() > 1.001):
        low, high = float(scores.min()), float(scores.max())
        raise OutputError(f'gives scores from {low:.3g} to {high:.3g}, no probabilities (scores = "logits"?)')


def find_floors(card: ModelCard) -> NDArray[np.float32]:
    """Return for each label number the confidence from which it counts; infinity where it never does."""
    size = max([len(card.labels), *(number + 1 for number in card.classes)])
    labels = [card.label_of(number) for number in range(size)]
    floors = [np.inf if label is None else card.threshold_of(label) for label in labels]
    return np.array([*floors, np.inf], np.float32)  # the last one stands for all numbers beyond


def as_probabilities(scores: NDArray[Any], card: ModelCard, axis: int) -> NDArray[np.float32]:
    """Return scores as probabilities (0..1): softmax over `axis` if they are logits; NaN becomes 0."""
    values = np.nan_to_num(scores.astype(np.float32), nan=-np.inf if card.scores == "logits" else 0.0)
    if card.scores == "logits":
        top = np.nan_to_num(values.max(axis=axis, keepdims=True), neginf=0.0)
        powers = np.exp(values - top)
        values = powers / np.maximum(powers.sum(axis=axis, keepdims=True), np.float32(1e-30))
    return np.clip(values, 0, 1)

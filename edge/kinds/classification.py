"""Kind `classification`: one output with a score for each class; the best become detections without boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.kinds.outputs import Outputs, Reader, as_probabilities, check_scores, find_floors, unknown_shapes
from hub.draw.letterbox import Letterbox
from hub.event import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.model_card import ModelCard

KNOWN = "one output [1,C], [C], [1,C,1,1] or [1,1,1,C]"


def find_reader(card: ModelCard, outputs: Outputs) -> Reader:
    """Return what reads the outputs of such a model.

    Raises:
        OutputError: They have shapes that this kind does not know, or do not fit the card.
    """
    arrays = list(outputs.values())
    if len(arrays) != 1 or arrays[0].ndim not in (1, 2, 4) or arrays[0].size != max(arrays[0].shape):
        raise unknown_shapes("classification", outputs, KNOWN)
    check_scores(card, arrays[0], arrays[0].size)
    floors = find_floors(card)

    def read(arrays: Sequence[NDArray[Any]], _: Letterbox) -> list[Detection]:
        return _read(arrays[0].reshape(-1), card, floors)

    return read


def _read(scores: NDArray[Any], card: ModelCard, floors: NDArray[np.float32]) -> list[Detection]:
    sure = as_probabilities(scores, card, axis=0)
    limits = floors[np.minimum(np.arange(sure.size), floors.size - 1)]
    best = [number for number in np.argsort(-sure, kind="stable").tolist() if sure[number] >= limits[number]]
    return [
        Detection(label=str(card.label_of(number)), confidence=float(sure[number]), class_id=number)
        for number in best[: card.top_k]
    ]

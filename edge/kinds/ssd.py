"""Kind `ssd`: boxes with a label and a score, in one output or in several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.kinds.outputs import Outputs, Reader, as_probabilities, check_scores, find_floors
from edge.kinds.rows import Rows, Split, find_parts, find_rows, join_rows, spread_rows
from edge.kinds.suppression import suppress
from hub.draw.letterbox import Letterbox
from hub.event import Box, Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.model_card import ModelCard

FARTHEST = 100.0  # a box that reaches so many inputs away is nonsense
CANDIDATES = 2000  # so many of the best are compared with each other


def find_reader(card: ModelCard, outputs: Outputs) -> Reader:
    """Return what reads the outputs of such a model.

    Raises:
        OutputError: They have shapes that this kind does not know, or do not fit the card.
    """
    split = _find_split(card, outputs)
    floors = find_floors(card)
    lowest = floors.min()

    def read(arrays: Sequence[NDArray[Any]], letterbox: Letterbox) -> list[Detection]:
        rows = split(arrays)
        sure = np.flatnonzero(rows.scores >= lowest)
        if not sure.size:
            return []
        rows = rows.pick(sure)  # mostly few: the rest is for them alone
        rows = _keep_sane(_in_fractions(rows, card), floors)
        rows = rows.pick(np.argsort(-rows.scores, kind="stable")[:CANDIDATES])
        if card.nms is not None:
            rows = rows.pick(suppress(rows.corners, rows.numbers, card.nms))
        return _detect(rows.pick(slice(card.max_detections)), card, letterbox)

    return read


def _find_split(card: ModelCard, outputs: Outputs) -> Split:
    if len(outputs) <= 1 and not card.outputs:
        return find_rows(outputs)
    parts = find_parts(outputs, card.outputs)
    if parts.labels is not None:
        return lambda arrays: join_rows(arrays, parts)
    scores = list(outputs.values())[parts.scores]
    classes = scores.shape[-1]
    check_scores(card, scores, classes)

    def split(arrays: Sequence[NDArray[Any]]) -> Rows:
        sure = as_probabilities(arrays[parts.scores].reshape(-1, classes), card, axis=1)
        return spread_rows(sure, arrays[parts.boxes])

    return split


def _in_fractions(rows: Rows, card: ModelCard) -> Rows:
    """Return rows with corners xmin, ymin, xmax, ymax as fractions of the input."""
    corners = rows.corners[:, [1, 0, 3, 2]] if card.box_order == "yxyx" else rows.corners
    if card.box_unit == "pixel":
        corners = corners / np.array([card.width, card.height] * 2, np.float32)
    return Rows(rows.numbers, rows.scores, corners)


def _keep_sane(rows: Rows, floors: NDArray[np.float32]) -> Rows:
    """Keep the rows that make sense, have a label, and reach that label's threshold."""
    corners, numbers = rows.corners, rows.numbers
    with np.errstate(invalid="ignore"):
        sane = (np.abs(corners) < FARTHEST).all(axis=1) & (corners[:, 2:] >= corners[:, :2]).all(axis=1)
        sane &= (numbers >= 0) & (numbers < floors.size)
        limits = floors[np.where(sane, numbers, floors.size - 1).astype(np.int64)]
        return rows.pick(sane & (rows.scores >= limits))


def _detect(rows: Rows, card: ModelCard, letterbox: Letterbox) -> list[Detection]:
    listed = zip(rows.numbers.tolist(), rows.scores.tolist(), rows.corners.tolist(), strict=True)
    return [
        Detection(
            label=str(card.label_of(int(number))),
            confidence=min(score, 1.0),
            box=letterbox.to_frame(Box.from_corners(*corners)),
            class_id=int(number),
        )
        for number, score, corners in listed
    ]

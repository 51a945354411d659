"""Kind `ssd`: boxes with a label and a score, in one output or in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from edge.kinds.outputs import (
    OutputError,
    Outputs,
    Reader,
    as_probabilities,
    check_count,
    check_probabilities,
    find_floors,
    unknown_shapes,
)
from edge.kinds.suppression import suppress
from edge.model_card import Part
from hub.draw.letterbox import Letterbox
from hub.event import Box, Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.model_card import ModelCard

KNOWN = (
    "one output [1,1,N,7] or [1,N,6], or boxes [1,N,4] with scores [1,N] and labels [1,N], "
    "or boxes [1,N,4] with scores [1,N,C]"
)
FARTHEST = 100.0  # a box that reaches so many inputs away is nonsense
CANDIDATES = 2000  # so many of the best are compared with each other
HINTS: dict[Part, tuple[str, ...]] = {
    "boxes": ("box",),
    "scores": ("score", "conf", "prob"),
    "labels": ("label", "class"),
}


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """What was read: (n,) label numbers, (n,) scores, (n, 4) corners as the model gives them."""

    numbers: NDArray[Any]
    scores: NDArray[Any]
    corners: NDArray[Any]

    def pick(self, which: NDArray[Any]) -> Rows:
        """Return some of the rows, in the order of the numbers or by the mask given."""
        return Rows(self.numbers[which], self.scores[which], self.corners[which])


Split = Callable[[Sequence["NDArray[Any]"]], Rows]


def find_reader(card: ModelCard, outputs: Outputs) -> Reader:
    """Return what reads the outputs of such a model.

    Raises:
        OutputError: They have shapes that this kind does not know, or do not fit the card.
    """
    split = _find_split(card, outputs)
    floors = find_floors(card)

    def read(arrays: Sequence[NDArray[Any]], letterbox: Letterbox) -> list[Detection]:
        rows = _keep_sane(_in_fractions(split(arrays), card), floors)
        rows = rows.pick(np.argsort(-rows.scores, kind="stable")[:CANDIDATES])
        if card.nms is not None:
            rows = rows.pick(suppress(rows.corners, rows.numbers, card.nms))
        return _detect(rows.pick(np.arange(min(rows.scores.size, card.max_detections))), card, letterbox)

    return read


def _find_split(card: ModelCard, outputs: Outputs) -> Split:
    arrays = list(outputs.values())
    if len(arrays) > 1 or card.outputs:
        return _find_parts(card, outputs)
    shape = arrays[0].shape if arrays else ()
    if len(shape) == 4 and shape[:2] == (1, 1) and shape[3] == 7:
        return _split_seven
    if len(shape) in (2, 3) and shape[-1] == 6 and (len(shape) == 2 or shape[0] == 1):
        return _split_six
    raise unknown_shapes("ssd", outputs, KNOWN)


def _split_seven(arrays: Sequence[NDArray[Any]]) -> Rows:
    """Read rows of image id, label, score, corners; a negative image id ends them."""
    rows = arrays[0].reshape(-1, 7)
    ends = np.flatnonzero(rows[:, 0] < 0)
    rows = rows[: ends[0]] if ends.size else rows
    return Rows(rows[:, 1], rows[:, 2], rows[:, 3:])


def _split_six(arrays: Sequence[NDArray[Any]]) -> Rows:
    """Read rows of label, score, corners."""
    rows = arrays[0].reshape(-1, 6)
    return Rows(rows[:, 0], rows[:, 1], rows[:, 2:])


def _find_parts(card: ModelCard, outputs: Outputs) -> Split:
    """Tell boxes, scores and labels apart, by the card or by their names."""
    names = list(outputs)
    places = {part: names.index(name) for part in get_args(Part) if (name := _find_name(part, card, outputs))}
    shapes = {part: list(outputs.values())[place].shape for part, place in places.items()}
    if not {"boxes", "scores"} <= places.keys() or not _are_known(shapes):
        raise unknown_shapes("ssd", outputs, KNOWN)
    boxes, scores = places["boxes"], places["scores"]
    if "labels" in places:
        labels = places["labels"]
        return lambda arrays: _join(arrays[labels], arrays[scores], arrays[boxes])
    check_count(card, shapes["scores"][-1])
    check_probabilities(list(outputs.values())[scores], card)
    return lambda arrays: _spread(arrays[scores], arrays[boxes], card)


def _find_name(part: Part, card: ModelCard, outputs: Outputs) -> str | None:
    if part in card.outputs:
        if card.outputs[part] not in outputs:
            raise OutputError(
                f"has no output {card.outputs[part]!r} for {part} (known: {', '.join(outputs)})"
            )
        return card.outputs[part]
    fitting = [name for name in outputs if any(hint in name.lower() for hint in HINTS[part])]
    if len(fitting) > 1:
        raise OutputError(f"has several outputs for {part}: {', '.join(fitting)} (name one in [outputs])")
    return fitting[0] if fitting else None


def _are_known(shapes: dict[Part, tuple[int, ...]]) -> bool:
    """Say whether boxes are [N,4], and scores and labels [N] or scores [N,C]; a 1 may stand before each."""
    boxes, scores, *labels = (
        shape[1:] if len(shape) > 1 and shape[0] == 1 else shape for shape in shapes.values()
    )
    rows = boxes[:1] if len(boxes) == 2 and boxes[1] == 4 else None
    return (scores == rows == labels[0]) if labels else (len(scores) == 2 and scores[:1] == rows)


def _join(labels: NDArray[Any], scores: NDArray[Any], boxes: NDArray[Any]) -> Rows:
    return Rows(labels.reshape(-1), scores.reshape(-1), boxes.reshape(-1, 4))


def _spread(scores: NDArray[Any], boxes: NDArray[Any], card: ModelCard) -> Rows:
    """Make a row of each box and class."""
    sure = as_probabilities(scores.reshape(-1, scores.shape[-1]), card, axis=1)
    count, classes = sure.shape
    numbers = np.tile(np.arange(classes), count)
    return Rows(numbers, sure.reshape(-1), np.repeat(boxes.reshape(-1, 4), classes, axis=0))


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

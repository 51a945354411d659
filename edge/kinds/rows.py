"""Rows of label, score and corners, as networks that find boxes give them: in one output or in several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from edge.kinds.outputs import OutputError, Outputs, unknown_shapes
from edge.model_card import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

KNOWN = (
    "one output [1,1,N,7] or [1,N,6], or boxes [1,N,4] with scores [1,N] and labels [1,N], "
    "or boxes [1,N,4] with scores [1,N,C]"
)
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

    def pick(self, which: NDArray[Any] | slice) -> Rows:
        """Return some of the rows, in the order of the numbers or by the mask or slice given."""
        return Rows(self.numbers[which], self.scores[which], self.corners[which])


Split = Callable[[Sequence["NDArray[Any]"]], Rows]


class Parts(NamedTuple):
    """The places of the outputs with boxes, scores and labels; no labels: scores of every class."""

    boxes: int
    scores: int
    labels: int | None


def find_rows(outputs: Outputs) -> Split:
    """Return what reads the rows of one output of rows of seven or six.

    Raises:
        OutputError: It has another shape.
    """
    shape = next(iter(outputs.values())).shape if outputs else ()
    if len(shape) == 4 and shape[:2] == (1, 1) and shape[3] == 7:
        return _split_seven
    if len(shape) in (2, 3) and shape[-1] == 6 and (len(shape) == 2 or shape[0] == 1):
        return _split_six
    raise unknown_shapes("ssd", outputs, KNOWN)


def find_parts(outputs: Outputs, named: Mapping[Part, str]) -> Parts:
    """Tell boxes, scores and labels apart, by the names given or else by what the outputs are called.

    Raises:
        OutputError: Some are missing, are several, or their shapes do not go together.
    """
    names = list(outputs)
    places = {
        part: names.index(name) for part in get_args(Part) if (name := _find_name(part, named, outputs))
    }
    shapes = {part: list(outputs.values())[place].shape for part, place in places.items()}
    if not {"boxes", "scores"} <= places.keys() or not _are_known(shapes):
        raise unknown_shapes("ssd", outputs, KNOWN)
    return Parts(places["boxes"], places["scores"], places.get("labels"))


def join_rows(arrays: Sequence[NDArray[Any]], parts: Parts) -> Rows:
    """Return the rows of boxes, scores and labels."""
    assert parts.labels is not None  # noqa: S101 - for the type checker; without labels spread_rows reads them
    numbers, scores = arrays[parts.labels].reshape(-1), arrays[parts.scores].reshape(-1)
    return Rows(numbers, scores, arrays[parts.boxes].reshape(-1, 4))


def spread_rows(sure: NDArray[Any], boxes: NDArray[Any]) -> Rows:
    """Return a row of each box and class, of (n, C) probabilities and n boxes."""
    count, classes = sure.shape
    numbers = np.tile(np.arange(classes), count)
    return Rows(numbers, sure.reshape(-1), np.repeat(boxes.reshape(-1, 4), classes, axis=0))


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


def _find_name(part: Part, named: Mapping[Part, str], outputs: Outputs) -> str | None:
    if part in named:
        if named[part] not in outputs:
            raise OutputError(f"has no output {named[part]!r} for {part} (known: {', '.join(outputs)})")
        return named[part]
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

"""Kind `segmentation`: a class for each pixel; each label becomes a detection with its share of the frame."""

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

KNOWN = "one output of scores [1,C,H,W], or of class numbers [1,H,W] or [1,1,H,W]"


def find_reader(card: ModelCard, outputs: Outputs) -> Reader:
    """Return what reads the outputs of such a model.

    Raises:
        OutputError: They have shapes that this kind does not know, or do not fit the card.
    """
    arrays = list(outputs.values())
    if len(arrays) != 1 or arrays[0].ndim not in (3, 4) or arrays[0].shape[0] != 1 or not arrays[0].size:
        raise unknown_shapes("segmentation", outputs, KNOWN)
    if _has_scores(arrays[0]):
        check_scores(card, arrays[0], arrays[0].shape[1])
    floors = find_floors(card)

    def read(arrays: Sequence[NDArray[Any]], letterbox: Letterbox) -> list[Detection]:
        numbers, sure = _name_pixels(arrays[0], card)
        inside = _inner(numbers.shape, letterbox)
        return _measure(numbers[inside], sure[inside], card, floors)

    return read


def _has_scores(array: NDArray[Any]) -> bool:
    return array.ndim == 4 and array.shape[1] > 1


def _name_pixels(array: NDArray[Any], card: ModelCard) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return each pixel's class number (-1: none) and how sure it is, both (H, W)."""
    if _has_scores(array):
        sure = as_probabilities(array[0], card, axis=0)
        return sure.argmax(axis=0), sure.max(axis=0)
    plane = np.nan_to_num(array.reshape(array.shape[-2:]).astype(np.float64), nan=-1, posinf=-1, neginf=-1)
    return np.clip(plane, -1, 2**31 - 1).astype(np.int64), np.ones(plane.shape, np.float32)


def _inner(shape: tuple[int, ...], letterbox: Letterbox) -> tuple[slice, slice]:
    """Return where the frame lies in the output, without the letterbox's bars."""
    down, right = shape[0] / letterbox.height, shape[1] / letterbox.width
    top, left = round(letterbox.top * down), round(letterbox.left * right)
    bottom = max(top + 1, round((letterbox.top + letterbox.inner_height) * down))
    end = max(left + 1, round((letterbox.left + letterbox.inner_width) * right))
    return slice(min(top, shape[0] - 1), bottom), slice(min(left, shape[1] - 1), end)


def _measure(
    numbers: NDArray[np.int64], sure: NDArray[np.float32], card: ModelCard, floors: NDArray[np.float32]
) -> list[Detection]:
    found = []
    for number, count in zip(*np.unique(numbers, return_counts=True), strict=True):
        area = float(count) / numbers.size
        confidence = float(sure[numbers == number].mean())
        floor = floors[min(number, floors.size - 1)] if number >= 0 else np.inf
        if confidence >= floor and area >= card.min_area:
            label = str(card.label_of(int(number)))
            area = round(area, 6)
            found.append(
                Detection(label=label, confidence=confidence, class_id=int(number), attributes={"area": area})
            )
    return found

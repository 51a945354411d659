"""Shows an example as the same camera might have seen it at another moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.training.finetune.examples import Example
from hub.draw.letterbox import BORDER_GREY

if TYPE_CHECKING:
    from numpy.typing import NDArray

VISIBLE = 0.5  # of a box's area; what shows less of a thing is not learnt as one
BLUR = (0.3, 1.2)


@dataclass(frozen=True, slots=True)
class Changes:
    """How far pictures are changed at most.

    Attributes:
        mirror: Half of them are mirrored.
        scale: Larger or smaller by this share.
        shift: Of the side, in any direction.
        turn_degrees: Either way.
        gain: Brighter or darker by this share; each colour by a third of it besides.
        noise: Standard deviation in grey levels.
    """

    mirror: bool
    scale: float = 0.2
    shift: float = 0.08
    turn_degrees: float = 6.0
    gain: float = 0.35
    noise: float = 8.0


def change(rng: np.random.Generator, example: Example, changes: Changes) -> Example:
    """Return an example moved, mirrored, and taken in other light."""
    height, width = example.pixels.shape[:2]
    matrix = _draw_matrix(rng, (width, height), changes)
    moved = cv2.warpAffine(
        example.pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(BORDER_GREY,) * 3
    )
    boxes = _move(example.boxes, matrix, (width, height))
    return Example(_expose(rng, np.asarray(moved, np.uint8), changes), boxes, example.number)


def _draw_matrix(rng: np.random.Generator, size: tuple[int, int], changes: Changes) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from old to new pixels."""
    middle = np.array(size) / 2
    turn = np.deg2rad(rng.uniform(-changes.turn_degrees, changes.turn_degrees))
    scale = 1 + rng.uniform(-changes.scale, changes.scale)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    if changes.mirror and rng.random() < 0.5:
        linear = linear @ np.diag([-1.0, 1.0])
    offset = middle + rng.uniform(-changes.shift, changes.shift, 2) * size - linear @ middle
    return np.column_stack([linear, offset])


def _move(
    boxes: NDArray[np.float32], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the boxes around the moved ones, cut off at the edge, without those that are hardly visible."""
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    whole = np.concatenate([corners.min(1), corners.max(1)], 1)
    cut = whole.clip(0, [*size, *size])
    kept = _areas(cut) >= VISIBLE * np.maximum(_areas(whole), 1e-6)
    return np.asarray(cut[kept], np.float32)


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(1))


def _expose(rng: np.random.Generator, pixels: NDArray[np.uint8], changes: Changes) -> NDArray[np.uint8]:
    """Change brightness and tint, blur a third of the pictures, and add noise to half."""
    gain = 1 + rng.uniform(-changes.gain, changes.gain) + rng.uniform(-1, 1, 3) * changes.gain / 3
    if rng.random() < 1 / 3:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(*BLUR)), np.uint8)
    seen = pixels * gain.astype(np.float32)
    if rng.random() < 0.5:
        grain = rng.standard_normal(seen.shape[:2], np.float32)[:, :, None]
        seen = seen + grain * np.float32(rng.uniform(0, changes.noise))
    return np.clip(seen, 0, 255).astype(np.uint8)

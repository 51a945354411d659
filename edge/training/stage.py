"""Shows a glyph on a card to a camera somewhere to its side, small and grey as the classifier takes it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.training.view import FOCAL, shift, turn_in_plane, view_card
from hub.draw.letterbox import BORDER_GREY

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 64  # of the input, in pixels
FINE = 2  # drawn so many times larger first
GLYPH_SIDE = 96
BODY = GLYPH_SIDE * 0.75
SHAPES = ((4, 3), (4, 3), (16, 9), (1, 1))  # of the frames, width to height
MIN_SIZE, MAX_SIZE = 0.42, 0.95  # of the frame's height, as the character's body is head-on
MAX_ANGLE_DEGREES = 55.0
MAX_TILT_DEGREES = 16.0


def draw_card(rng: np.random.Generator, glyph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Show a glyph on a card to a camera somewhere to its side."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    width, height = SIDE * FINE, SIDE * FINE * shape[1] // shape[0]
    at = _look(_choose_place(rng, width, height), width, height)
    mask = sample(glyph, at + np.float32(GLYPH_SIDE / 2)).astype(np.float32) / 255
    paper, ink = _choose_shades(rng)
    card = (paper * _paint_light(rng, width, height)) * (1 - mask) + ink * mask
    if rng.random() < 0.6:
        left, top, right, bottom = rng.uniform(1.05, 1.9, 4) * BODY / 2  # of the card, from its middle
        inside = cv2.inRange(at, (-left, -top), (right, bottom)) > 0
        card = np.where(inside | (mask > 0.5), card, _paint_behind(rng, width, height))
    small = cv2.resize(card.astype(np.float32), (SIDE, height // FINE), interpolation=cv2.INTER_AREA)
    return expose(rng, small.astype(np.float32))


def _choose_place(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Draw where a card is: a homography from it, the glyph's middle its origin, to the frame."""
    size = rng.uniform(MIN_SIZE, MAX_SIZE) * height
    distance = FOCAL * width * rng.uniform(0.7, 1.8)
    view = view_card(rng.uniform(0, MAX_ANGLE_DEGREES), rng.uniform(0, 360), distance)
    tilt = turn_in_plane(rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES), size / BODY)
    middle = np.array([width, height]) / 2 + rng.uniform(-0.13, 0.13, 2) * height
    return np.asarray(shift(*middle) @ view @ tilt)


@cache
def grid(width: int, height: int) -> NDArray[np.float32]:
    """Return the (height, width, 2) places of a picture's pixels, x before y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y], axis=2).astype(np.float32)


def sample(picture: NDArray[np.uint8], where: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture's values at (height, width, 2) places, black outside."""
    x, y = (np.ascontiguousarray(where[:, :, axis], np.float32) for axis in range(2))
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR), np.uint8)


def _look(homography: NDArray[np.float64], width: int, height: int) -> NDArray[np.float32]:
    """Return the (height, width, 2) places of the card that a frame's pixels show."""
    return np.asarray(cv2.perspectiveTransform(grid(width, height), np.linalg.inv(homography)), np.float32)


def _choose_shades(rng: np.random.Generator) -> tuple[np.float32, np.float32]:
    """Draw paper and ink at least 70 grey levels apart, three in four dark on light."""
    light, contrast = rng.uniform(110, 255), rng.uniform(70, 240)
    dark = max(0.0, light - contrast)
    shades = np.float32(light), np.float32(dark)
    return shades if rng.random() < 0.75 else shades[::-1]


def _paint_light(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Return how much light falls where, smooth, around 1."""
    corners = rng.uniform(0.75, 1.1, (2, 2)) if rng.random() < 0.7 else np.ones((2, 2))
    return np.asarray(cv2.resize(corners.astype(np.float32), (width, height)), np.float32)


def _paint_behind(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Paint what is behind a card: blots from coarse to fine, or stripes."""
    if rng.random() < 0.3:
        slope = np.deg2rad(rng.uniform(0, 180))
        along = grid(width, height) @ np.array([np.cos(slope), np.sin(slope)], np.float32)
        stripes = (along / rng.uniform(4, 24)).astype(np.int32) % 4
        return rng.uniform(0, 255, 4).astype(np.float32)[stripes]
    cells = rng.uniform(0, 255, rng.integers(1, 14, 2)).astype(np.float32)
    how = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cells, (width, height), interpolation=how), np.float32)


def expose(rng: np.random.Generator, picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Add the camera's blur, noise and exposure, and the bars around a frame that is not square."""
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.3)).astype(np.float32)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0, 9))
    exposed = (picture + noise) * np.float32(rng.uniform(0.65, 1.15)) + np.float32(rng.uniform(-15, 15))
    whole = np.full((SIDE, SIDE), BORDER_GREY, np.uint8)
    top = (SIDE - len(picture)) // 2
    whole[top : top + len(picture)] = np.clip(exposed, 0, 255)
    return whole

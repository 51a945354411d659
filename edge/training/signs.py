"""Pictures for the text gate: scenes with text on them, and scenes with what looks a little like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.demo.glyphs import OTHER_HANDS, cut_glyph
from edge.training.lines import Block, draw_block, draw_short_word
from edge.training.scenes import SIDE, choose_colour
from edge.training.scripts import Scripts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.training.scenes import Scene

MIN_CONTRAST = 60  # of ink to paper, in levels of grey
THINGS = (
    *OTHER_HANDS.values(),
    *"\U0001f600\U0001f34e\U0001f697\U0001f436\U0001f3e0\U0001f4f7\U0001f4a1\U0001f31f",
)
SHARE_SHORT = 0.06  # of the pictures without text show one short word


@dataclass(frozen=True, eq=False)
class Sign:
    """A (224, 224, 3) uint8 BGR picture, where its text is (224, 224) uint8, and in which script."""

    pixels: NDArray[np.uint8]
    where: NDArray[np.uint8]
    script: str | None


def draw_sign(
    rng: np.random.Generator, scripts: Scripts, paint: Scene, *, has_text: bool, script: str | None = None
) -> Sign:
    """Draw a picture with text by the published rule, or without."""
    canvas, where = paint(rng).copy(), np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        LIKES[rng.integers(len(LIKES))](rng, canvas)
    if has_text:
        block = draw_block(rng, scripts, script)
        script = block.script
        where = _paste(rng, canvas, block)
        if rng.random() < 0.2:
            where |= _paste(rng, canvas, draw_block(rng, scripts, script))
    elif rng.random() < SHARE_SHORT:
        _paste(rng, canvas, draw_short_word(rng, scripts))
    return Sign(expose(rng, canvas), where, script if has_text else None)


def _paste(rng: np.random.Generator, canvas: NDArray[np.uint8], block: Block) -> NDArray[np.uint8]:
    """Put text on the canvas, in place, perhaps on a plate of its own; return where it is."""
    height, width = block.ink.shape
    matrix = _choose_place(rng, width, height)
    ink = np.asarray(cv2.warpPerspective(block.ink, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA), np.uint8)
    margin = rng.uniform(2, 14)
    plate = np.zeros((SIDE, SIDE), np.uint8)
    corners = np.array(
        [
            [-margin, -margin],
            [width + margin, -margin],
            [width + margin, height + margin],
            [-margin, height + margin],
        ]
    )
    outline = cv2.perspectiveTransform(corners[None], matrix)
    cv2.fillPoly(plate, [outline.astype(np.int32)], 255, cv2.LINE_AA)
    if rng.random() < 0.55:
        _blend(canvas, plate, choose_colour(rng), rng.uniform(0.75, 1))
    paper = float(cv2.mean(cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY), plate)[0])
    colour = _choose_ink(rng, paper)
    if rng.random() < 0.12:
        brush = np.ones((3, 3), np.uint8)
        _blend(canvas, np.asarray(cv2.dilate(ink, brush), np.uint8), [255.0 - sum(colour) / 3] * 3, 1)
    _blend(canvas, ink, colour, rng.uniform(0.85, 1))
    return np.asarray(plate)


def _choose_place(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Draw how a block is squeezed, turned and seen, and where it is: wholly within the picture."""
    turn = np.deg2rad(rng.normal(0, 5) if rng.random() < 0.8 else rng.uniform(-30, 30))
    squeeze = rng.uniform(0.6, 1.15)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos * squeeze, -sin, 0], [sin * squeeze, cos, 0], [*rng.normal(0, 3e-4, 2), 1]])
    corners = np.array([[[0.0, 0], [width, 0], [width, height], [0, height]]])
    moved = cv2.perspectiveTransform(corners, matrix)[0]
    low, high = moved.min(0), moved.max(0)
    scale = min(1.0, 0.96 * SIDE / (high - low).max())
    place = rng.uniform(0, 1, 2) * (SIDE - (high - low) * scale) - low * scale
    return np.asarray(np.array([[scale, 0, place[0]], [0, scale, place[1]], [0, 0, 1]]) @ matrix)


def _choose_ink(rng: np.random.Generator, paper: float) -> list[float]:
    while True:
        colour = choose_colour(rng, 0, 255) if rng.random() < 0.6 else [float(rng.choice([8, 245]))] * 3
        if abs(0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] - paper) >= MIN_CONTRAST:
            return colour


def _blend(canvas: NDArray[np.uint8], mask: NDArray[np.uint8], colour: list[float], strength: float) -> None:
    x, y, width, height = cv2.boundingRect(mask)
    part = canvas[y : y + height, x : x + width]
    alpha = mask[y : y + height, x : x + width, None] * np.float32(strength / 255)
    part[:] = part * (1 - alpha) + np.array(colour, np.float32) * alpha


def _add_thing(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Put an emoji on the canvas."""
    glyph = cut_glyph(str(rng.choice(THINGS))).pixels
    side = int(rng.uniform(14, 110))
    small = cv2.resize(glyph, (side, side), interpolation=cv2.INTER_AREA)
    x, y = rng.integers(0, SIDE - side, 2)
    part, alpha = canvas[y : y + side, x : x + side], small[:, :, 3:].astype(np.float32) / 255
    part[:] = part * (1 - alpha) + small[:, :, :3] * alpha


def _add_row(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Put rows of one small shape on the canvas: lamps, rivets, dashes, teeth, ticks of a ruler."""
    colour, kind, size = choose_colour(rng, 0, 255), int(rng.integers(4)), rng.uniform(2, 9)
    step, turn, start = size * rng.uniform(1.3, 3), rng.normal(0, 0.3), rng.uniform(0, SIDE * 0.7, 2)
    along = np.array([np.cos(turn), np.sin(turn)])
    for row in range(int(rng.integers(1, 4))):
        for column in range(int(rng.integers(4, 22))):
            at = start + along * step * column + along[::-1] * (-1, 1) * row * step * 1.6
            x, y = at.astype(int).tolist()
            if kind == 0:
                cv2.circle(canvas, (x, y), int(size / 2), colour, -1, cv2.LINE_AA)
            elif kind == 1:
                cv2.rectangle(canvas, (x, y), (int(x + size), int(y + size * 0.6)), colour, -1)
            elif kind == 2:
                cv2.line(canvas, (x, y), (x, int(y + size * 1.5)), colour, 1)
            else:
                points = np.array([[x, y], [x + size, y], [x + size / 2, y + size]], np.int32)
                cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA)


def _add_frame(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Put an empty plate on the canvas: a sign with nothing on it."""
    mask, (x, y) = np.zeros((SIDE, SIDE), np.uint8), rng.integers(0, SIDE - 40, 2).tolist()
    far = (x + int(rng.integers(20, 150)), y + int(rng.integers(12, 90)))
    cv2.rectangle(mask, (x, y), far, 255, -1)
    _blend(canvas, mask, choose_colour(rng), 1)
    if rng.random() < 0.5:
        cv2.rectangle(canvas, (x, y), far, choose_colour(rng), int(rng.integers(1, 5)))


LIKES: tuple[Callable[[np.random.Generator, NDArray[np.uint8]], None], ...] = (
    _add_thing,
    _add_row,
    _add_frame,
)


def expose(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as a camera would: blurred a little, noisy, compressed."""
    lit = canvas.astype(np.float32) * np.float32(rng.uniform(0.7, 1.15))
    if rng.random() < 0.4:
        lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.3, 0.9)), np.float32)
    if rng.random() < 0.6:
        lit += rng.standard_normal(lit.shape, np.float32) * np.float32(rng.uniform(1, 9))
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))]
    jpeg = cv2.imencode(".jpg", np.clip(lit, 0, 255).astype(np.uint8), quality)[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)

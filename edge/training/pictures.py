"""Synthetic training pictures for the thumbs-up detector: emoji hands before procedural backgrounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.demo.glyphs import OTHER_HANDS, THUMBS_UP, TONES, cut_glyph
from edge.training.view import FOCAL, move, shift, turn_in_plane, view_card
from hub.draw.letterbox import BORDER_GREY

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 192
GLYPH_SIDE = 120  # pixels, about
MIN_HAND, MAX_HAND = 26.0, 120.0  # longest side in pixels of the input
MAX_TILT_DEGREES = 25.0
MAX_ANGLE_DEGREES = 55.0  # of the view; half of the hands are seen from within 20 degrees
MAX_OVERLAP = 0.02
UNSEEN_HANDS = frozenset({"vulcan"})  # kept out, to see what strangers do
OBJECTS = (
    "\U0001f600\U0001f34e\U0001f697\U0001f436\U0001f3e0\U0001f4f7\U0001f4a1\U0001f34c\U0001f31f\U0001f3b8"
)
MORE_HANDS = "\U0001f446\U0001f447\U0001f91b\U0001f91c\U0001f91f\U0001f90f\U0001f64f\U0001f44f\U0001f4aa"
HARD = ("thumbs-down", "wave", "crossed-fingers", "victory", "horns", "fist", "raised-fist", "raised-palm")
OTHERS = [text for name, text in OTHER_HANDS.items() if name not in UNSEEN_HANDS] + list(MORE_HANDS)


@dataclass(frozen=True, eq=False)
class Sample:
    """A (192, 192, 3) uint8 RGB picture and the (n, 4) corners of its thumbs up in pixels."""

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]


def _colour(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a colour; a third of them are a hand's own, so that hands are also seen before their like."""
    if rng.random() < 2 / 3:
        return rng.uniform(0, 255, 3).astype(np.float32)
    hand = _list_colours(TONES[rng.integers(len(TONES))])
    picked = hand[rng.integers(len(hand))] * rng.uniform(0.6, 1.1, 3)
    return np.asarray(picked, np.float32)


@cache
def _list_colours(tone: str) -> NDArray[np.uint8]:
    pixels = cut_glyph(THUMBS_UP + tone).pixels
    return np.asarray(pixels[pixels[:, :, 3] > 250][:, 2::-1])


def _paint_noise(rng: np.random.Generator, height: int) -> NDArray[np.float32]:
    rows, columns = rng.integers(2, 10, 2)
    palette = np.stack([_colour(rng) for _ in range(int(rng.integers(2, 8)))])
    cells = palette[rng.integers(len(palette), size=(rows, columns))]
    return cv2.resize(cells, (SIDE, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _paint_gradient(rng: np.random.Generator, height: int) -> NDArray[np.float32]:
    y, x = np.mgrid[:height, :SIDE] / SIDE
    turn = rng.uniform(0, 2 * np.pi)
    mix = np.clip(0.5 + (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn), 0, 1)[:, :, None]
    return np.asarray(_colour(rng) * mix + _colour(rng) * (1 - mix), np.float32)


def _paint_shapes(rng: np.random.Generator, height: int) -> NDArray[np.float32]:
    canvas = np.ones((height, SIDE, 3), np.float32) * _colour(rng)
    for _ in range(int(rng.integers(3, 40))):
        points = rng.integers(-20, SIDE + 20, (3, 2)).astype(np.int32)
        colour, kind = _colour(rng).tolist(), rng.integers(4)
        first, second = points[0].tolist(), points[1].tolist()
        if kind == 0:
            cv2.rectangle(canvas, first, second, colour, -1)
        elif kind == 1:
            cv2.circle(canvas, first, int(rng.integers(2, 45)), colour, -1)
        elif kind == 2:
            cv2.fillPoly(canvas, [points], colour)
        else:
            cv2.line(canvas, first, second, colour, int(rng.integers(1, 14)))
    return canvas


def _paint_background(rng: np.random.Generator, height: int) -> NDArray[np.float32]:
    paint = (_paint_noise, _paint_gradient, _paint_shapes, _paint_shapes)[rng.integers(4)]
    ground = paint(rng, height)
    if rng.random() < 0.4:
        grain = rng.standard_normal((height // int(rng.integers(1, 6)), SIDE // 2), np.float32) * 30
        ground += cv2.resize(grain, (SIDE, height))[:, :, None]
    return np.clip(ground, 0, 255)


def _paste(
    rng: np.random.Generator, canvas: NDArray[np.float32], text: str, taken: list[NDArray[np.float32]]
) -> NDArray[np.float32] | None:
    """Put a glyph on the canvas, in place; return its corners, or None when it found no room."""
    glyph = cut_glyph(text, mirrored=bool(rng.random() < 0.5))
    matrix = _choose_view(rng) @ shift(*(-glyph.hull.mean(0)))
    longest = min(rng.uniform(MIN_HAND, MAX_HAND), canvas.shape[0] * 0.9)
    matrix = turn_in_plane(0, longest / np.ptp(move(glyph.hull, matrix), 0).max()) @ matrix
    shape = move(glyph.hull, matrix)
    low, high = shape.min(0), shape.max(0)
    room = np.array([SIDE, canvas.shape[0]]) - (high - low)
    place = rng.uniform(0, 1, 2) * room - low
    box = np.concatenate([low + place, high + place]).astype(np.float32)
    if any(overlap(box, other) > MAX_OVERLAP for other in taken):
        return None
    left, top = np.maximum(np.floor(box[:2]).astype(int) - 1, 0)
    part = canvas[top : int(box[3]) + 2, left : int(box[2]) + 2]
    into = shift(*(place - (left, top))) @ matrix
    pixels = cv2.warpPerspective(glyph.pixels, into, part.shape[1::-1], flags=cv2.INTER_AREA)
    alpha = pixels[:, :, 3:].astype(np.float32) / 255
    gain = (rng.uniform(0.55, 1.2) * rng.uniform(0.85, 1.15, 3)).astype(np.float32)
    part[:] = part * (1 - alpha) + np.clip(pixels[:, :, 2::-1] * gain, 0, 255) * alpha
    return box


def _choose_view(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how a hand is turned, slanted and seen: a homography around the glyph's middle."""
    angle = rng.uniform(0, 20) if rng.random() < 0.5 else rng.uniform(0, MAX_ANGLE_DEGREES)
    view = view_card(angle, rng.uniform(0, 360), GLYPH_SIDE * FOCAL * rng.uniform(1.2, 6))
    slant = np.eye(3)
    slant[:2, :2] += rng.uniform(-0.06, 0.06, (2, 2))
    return np.asarray(view @ turn_in_plane(rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES), 1) @ slant)


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the intersection over union of two boxes given by their corners."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return shared / (areas - shared)


def _pick_texts(rng: np.random.Generator) -> list[tuple[str, bool]]:
    """Draw what a picture shows: texts, each with whether it is a thumb up."""
    thumbs = int(rng.choice([0, 1, 1, 1, 2]))
    texts = [(THUMBS_UP + str(rng.choice(TONES)), True) for _ in range(thumbs)]
    for _ in range(int(rng.integers(0, 4))):
        hard = rng.random() < 0.3
        other = OTHER_HANDS[str(rng.choice(HARD))] if hard else str(rng.choice(OTHERS))
        hand = other + str(rng.choice(TONES))
        texts.append((hand if rng.random() < 0.85 else str(rng.choice(list(OBJECTS))), False))
    return [texts[i] for i in rng.permutation(len(texts))]


def draw_sample(rng: np.random.Generator) -> Sample:
    """Draw one training picture; half of them are 16:9 with the letterbox's bars."""
    height = SIDE if rng.random() < 0.5 else round(SIDE * 9 / 16)
    canvas = _paint_background(rng, height)
    taken: list[NDArray[np.float32]] = []
    boxes: list[NDArray[np.float32]] = []
    for text, thumb in _pick_texts(rng):
        box = _paste(rng, canvas, text, taken)
        if box is not None:
            taken.append(box)
            boxes.extend([box] if thumb else [])
    if rng.random() < 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 1.5)).astype(np.float32)
    grain = rng.standard_normal(canvas.shape, np.float32) * np.float32(rng.uniform(0, 10))
    noisy = (canvas + grain) * np.float32(rng.uniform(0.6, 1.2))
    top = (SIDE - height) // 2
    picture = np.full((SIDE, SIDE, 3), BORDER_GREY, np.uint8)
    picture[top : top + height] = np.clip(noisy, 0, 255)
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return Sample(picture, found + np.array([0, top, 0, top], np.float32))

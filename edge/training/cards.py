"""Frames that the classifier is evaluated on: cards with one character, seen from the side."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.demo.backdrops import BACKDROPS
from edge.training.fonts import draw_glyph
from edge.training.view import FOCAL, SIDES_DEGREES, shift, turn_in_plane, view_card

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
GLYPH_SIDE = 384
CARD_SIDE = 512
MIN_SIZE, MAX_SIZE = 0.5, 0.8  # of the frame's height, as the character's body is head-on
MAX_TILT_DEGREES = 10.0


def draw_card(
    rng: np.random.Generator, font: Path, character: str, angle_degrees: float
) -> NDArray[np.uint8] | None:
    """Return a (480, 640, 3) uint8 BGR frame of a card; None if the font lacks the character.

    The card lies square in the frame or is tilted by up to 10 degrees, its middle up to a tenth of the height
    beside the frame's. One card in five is light on dark.
    """
    glyph = draw_glyph(font, character, GLYPH_SIDE)
    if glyph is None:
        return None
    body = rng.uniform(MIN_SIZE, MAX_SIZE) * HEIGHT
    tilt = turn_in_plane(rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES), body / (GLYPH_SIDE * 0.75))
    view = view_card(angle_degrees, float(rng.choice(SIDES_DEGREES)), FOCAL * WIDTH)
    middle = shift(*(np.array([WIDTH, HEIGHT]) / 2 + rng.uniform(-0.1, 0.1, 2) * HEIGHT))
    place = middle @ view @ tilt @ shift(-CARD_SIDE / 2, -CARD_SIDE / 2)
    return _finish(rng, _lay(rng, _print(rng, glyph), place))


def draw_nothing(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a (480, 640, 3) uint8 BGR frame of a background alone."""
    return _finish(rng, _choose_backdrop(rng))


def _print(rng: np.random.Generator, glyph: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a card as (512, 512, 3), the glyph in its middle."""
    paper, ink = rng.uniform(170, 250) * rng.uniform(0.9, 1, 3), rng.uniform(10, 80, 3)
    if rng.random() < 0.2:
        paper, ink = ink, paper
    margin = (CARD_SIDE - GLYPH_SIDE) // 2
    mask = np.pad(glyph, margin)[:, :, None].astype(np.float32) / 255
    return np.asarray(paper * (1 - mask) + ink * mask, np.float32)


def _lay(
    rng: np.random.Generator, card: NDArray[np.float32], place: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Lay a card, lit from one side, before a background."""
    backdrop = _choose_backdrop(rng)
    flags = cv2.INTER_AREA
    inside = cv2.warpPerspective(np.ones(card.shape[:2], np.float32), place, (WIDTH, HEIGHT), flags=flags)
    seen = cv2.warpPerspective(card, place, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    light = np.linspace(rng.uniform(0.75, 1), rng.uniform(0.75, 1), WIDTH, dtype=np.float32)[:, None]
    return np.asarray(backdrop * (1 - inside[:, :, None]) + seen * light * inside[:, :, None], np.float32)


def _choose_backdrop(rng: np.random.Generator) -> NDArray[np.float32]:
    return _paint(int(rng.integers(len(BACKDROPS))), int(rng.integers(16)))


@cache
def _paint(kind: int, number: int) -> NDArray[np.float32]:
    return BACKDROPS[kind](np.random.default_rng([kind, number]), WIDTH, HEIGHT)


def _finish(rng: np.random.Generator, frame: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a frame with the camera's blur and noise."""
    blurred = cv2.GaussianBlur(np.clip(frame, 0, 255).astype(np.uint8), (0, 0), rng.uniform(0.5, 4.0))
    noise = rng.standard_normal((HEIGHT, WIDTH, 1), np.float32) * np.float32(rng.uniform(0.5, 8))
    return np.clip(blurred + noise, 0, 255).astype(np.uint8)

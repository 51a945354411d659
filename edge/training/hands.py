"""Frames the detector is evaluated on: emoji hands seen from the side, of tones between the known ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.demo.backdrops import BACKDROPS
from edge.demo.glyphs import OTHER_HANDS, THUMBS_UP, TONES, Glyph, cut_glyph
from edge.training.view import FOCAL, SIDES_DEGREES, move, shift, turn_in_plane, view_card
from hub.event import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
MIN_HEIGHT, MAX_HEIGHT = 0.30, 0.60  # of the frame's height, as the hand is head-on
MAX_TILT_DEGREES = 15.0
LANES = 3
RAISED = ("raised-fist", "raised-palm", "raised-back", "fist", "wave")
THUMB = "thumbs-up"


@dataclass(frozen=True, eq=False)
class Shot:
    """A (360, 640, 3) uint8 BGR frame and what it shows: (name, box) of each hand."""

    pixels: NDArray[np.uint8]
    hands: tuple[tuple[str, Box], ...]

    @property
    def thumbs_up(self) -> list[Box]:
        """The boxes of the thumbs up."""
        return [box for name, box in self.hands if name == THUMB]


def mix_tones(text: str, first: str, second: str, share: float, *, mirrored: bool) -> Glyph:
    """Return a hand of a tone between two of the font's; the outline is the same in all of them."""
    one, other = cut_glyph(text + first, mirrored=mirrored), cut_glyph(text + second, mirrored=mirrored)
    return Glyph(cv2.addWeighted(one.pixels, share, other.pixels, 1 - share, 0).astype(np.uint8), one.hull)


def draw_shot(rng: np.random.Generator, angle_degrees: float) -> Shot:
    """Draw three hands side by side, one in three a thumb up, all seen from the same side."""
    side = float(rng.choice(SIDES_DEGREES))
    frame = _paint(int(rng.integers(len(BACKDROPS))), int(rng.integers(16))).copy()
    hands = []
    for lane in range(LANES):
        name = THUMB if rng.random() < 1 / 3 else str(rng.choice(_others()))
        glyph = _choose_glyph(rng, {THUMB: THUMBS_UP, **OTHER_HANDS}[name])
        hands.append((name, _place(rng, frame, glyph, lane, view_card(angle_degrees, side, FOCAL * WIDTH))))
    blurred = cv2.GaussianBlur(np.clip(frame, 0, 255).astype(np.uint8), (0, 0), rng.uniform(0.4, 1.2))
    noise = rng.standard_normal((HEIGHT, WIDTH, 1), np.float32) * np.float32(rng.uniform(0.5, 4))
    return Shot(np.clip(blurred + noise, 0, 255).astype(np.uint8), tuple(hands))


def _others() -> list[str]:
    """Return the other hands; raised ones stand twice, for they are the likely mistakes."""
    return sorted(OTHER_HANDS) + list(RAISED)


def _choose_glyph(rng: np.random.Generator, text: str) -> Glyph:
    first = int(rng.integers(1, len(TONES) - 1))
    share, mirrored = rng.uniform(0.3, 0.7), bool(rng.random() < 0.5)
    return mix_tones(text, TONES[first], TONES[first + 1], share, mirrored=mirrored)


@cache
def _paint(kind: int, number: int) -> NDArray[np.float32]:
    return BACKDROPS[kind](np.random.default_rng([kind, number]), WIDTH, HEIGHT)


def _place(
    rng: np.random.Generator,
    frame: NDArray[np.float32],
    glyph: Glyph,
    lane: int,
    view: NDArray[np.float64],
) -> Box:
    """Draw a hand into its lane, in place; return its box."""
    height, width = glyph.pixels.shape[:2]
    scale = rng.uniform(MIN_HEIGHT, MAX_HEIGHT) * HEIGHT / height
    tilt = turn_in_plane(rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES), scale)
    matrix = view @ tilt @ shift(-width / 2, -height / 2)
    matrix, low, high = _fit(rng, matrix, glyph, lane)
    warped = cv2.warpPerspective(glyph.pixels, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    alpha = warped[:, :, 3:].astype(np.float32) / 255
    gain = (rng.uniform(0.75, 1.1) * rng.uniform(0.93, 1.07, 3)).astype(np.float32)
    frame *= 1 - alpha
    frame += warped[:, :, :3] * gain * alpha
    return Box.from_corners(*map(float, (*(low / (WIDTH, HEIGHT)), *(high / (WIDTH, HEIGHT)))))


def _fit(
    rng: np.random.Generator, matrix: NDArray[np.float64], glyph: Glyph, lane: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Move (and shrink, where it is too wide) a hand into its lane; return matrix and corners."""
    room = np.array([WIDTH / LANES, HEIGHT]) - 4
    points = move(glyph.hull, matrix)
    shrink = min(1.0, *(room / np.ptp(points, 0)))
    points = points * shrink
    low, high = points.min(0), points.max(0)
    corner = np.array([lane * WIDTH / LANES, 0]) + 2 + rng.uniform(0, 1, 2) * (room - (high - low))
    place = corner - low
    return shift(*place) @ turn_in_plane(0, shrink) @ matrix, low + place, high + place

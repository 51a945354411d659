"""Scenes of the demo clip: hands that move smoothly before a drifting background, with their exact boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.demo.backdrops import BACKDROPS
from edge.demo.glyphs import OTHER_HANDS, THUMBS_UP, TONES, Glyph, cut_glyph
from edge.demo.video import HEIGHT, WIDTH
from hub.event import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_HEIGHT, MAX_HEIGHT = 0.35, 0.60  # of the frame's height, as the hand's box
MAX_TILT_DEGREES = 15.0
DRIFT_PX = 40


@dataclass(frozen=True, eq=False)
class Swing:
    """A value that swings smoothly around its centre; `period` in seconds, `phase` in radians."""

    centre: float
    amplitude: float
    period: float
    phase: float

    def at(self, second: float) -> float:
        """Return the value at a time within the scene."""
        return self.centre + self.amplitude * float(np.sin(2 * np.pi * second / self.period + self.phase))


@dataclass(frozen=True, eq=False)
class Hand:
    """One hand on its path: box height in fractions of the frame's, tilt in degrees, centre in pixels."""

    name: str
    glyph: Glyph
    gain: NDArray[np.float32]
    height: Swing
    tilt: Swing
    x: Swing
    y: Swing

    def placed(self, second: float) -> tuple[NDArray[np.float64], Box]:
        """Return the (2, 3) matrix that puts the glyph into the frame, and the box of what is seen of it."""
        turn = np.deg2rad(self.tilt.at(second))
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        turned = self.glyph.hull @ rotation.T
        low, high = turned.min(0), turned.max(0)
        scale = self.height.at(second) * HEIGHT / (high[1] - low[1])
        half = (high - low) * scale / 2
        centre = np.array([self.x.at(second), self.y.at(second)])
        centre = np.clip(centre, half + 2, np.array([WIDTH, HEIGHT]) - half - 2)
        matrix = np.column_stack([rotation * scale, centre - (low + high) / 2 * scale])
        corners = (*((centre - half) / (WIDTH, HEIGHT)), *((centre + half) / (WIDTH, HEIGHT)))
        return matrix, Box.from_corners(*map(float, corners))


@dataclass(frozen=True, eq=False)
class Scene:
    """One background with its hands and the camera's faults (blur in pixels, noise in grey levels)."""

    backdrop: NDArray[np.float32]
    drift: tuple[Swing, Swing]
    hands: tuple[Hand, ...]
    blur: float
    noise: float

    def picture(self, second: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the (360, 640, 3) uint8 BGR frame at a time within the scene."""
        left, top = (DRIFT_PX + int(swing.at(second)) for swing in self.drift)
        frame = self.backdrop[top : top + HEIGHT, left : left + WIDTH].copy()
        for hand in self.hands:
            warped = cv2.warpAffine(
                hand.glyph.pixels, hand.placed(second)[0], (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR
            ).astype(np.float32)
            alpha = warped[:, :, 3:] / 255
            frame *= 1 - alpha
            frame += warped[:, :, :3] * hand.gain * alpha
        noisy = cv2.GaussianBlur(frame, (0, 0), self.blur) + rng.normal(0, self.noise, frame.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)


def _make_hand(rng: np.random.Generator, wanted: tuple[str, str], lane: tuple[float, float]) -> Hand:
    name, character = wanted
    glyph = cut_glyph(character + str(rng.choice(TONES)), mirrored=bool(rng.random() < 0.5))
    tallest = min(MAX_HEIGHT, (lane[1] - lane[0]) / HEIGHT / 1.25)
    mean = rng.uniform(MIN_HEIGHT + 0.03, tallest - 0.03)
    room = min(mean - MIN_HEIGHT, tallest - mean)
    tilt = rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES) * 0.6

    def swing(centre: float, amplitude: float) -> Swing:
        return Swing(centre, amplitude, rng.uniform(1.5, 4), rng.uniform(0, 2 * np.pi))

    return Hand(
        name,
        glyph,
        (rng.uniform(0.75, 1.1) * rng.uniform(0.93, 1.07, 3)).astype(np.float32),
        swing(mean, room),
        swing(tilt, rng.uniform(0, MAX_TILT_DEGREES - abs(tilt))),
        swing((lane[0] + lane[1]) / 2, rng.uniform(4, (lane[1] - lane[0]) * 0.08)),
        swing(HEIGHT * rng.uniform(0.4, 0.6), HEIGHT * rng.uniform(0.03, 0.15)),
    )


def make_scene(rng: np.random.Generator, kind: int, thumbs: int, others: int) -> Scene:
    """Compose a scene: background of the given kind, so many thumbs up and other hands side by side."""
    names = list(rng.choice(sorted(OTHER_HANDS), others, replace=False))
    wanted = [("thumbs-up", THUMBS_UP)] * thumbs + [(str(name), OTHER_HANDS[name]) for name in names]
    lanes = np.linspace(0, WIDTH, len(wanted) + 1)
    order = rng.permutation(len(wanted))
    paint = BACKDROPS[kind % len(BACKDROPS)]
    backdrop = paint(rng, WIDTH + 2 * DRIFT_PX, HEIGHT + 2 * DRIFT_PX)
    drift = [Swing(0, rng.uniform(5, DRIFT_PX), rng.uniform(3, 8), rng.uniform(0, 6)) for _ in range(2)]
    hands = tuple(
        _make_hand(rng, wanted[i], (float(lanes[slot]), float(lanes[slot + 1])))
        for slot, i in enumerate(order)
    )
    return Scene(backdrop, (drift[0], drift[1]), hands, rng.uniform(0.4, 1.0), rng.uniform(0.5, 3))

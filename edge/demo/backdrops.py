"""Backgrounds of the demo clip. The detector was trained on none of these kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Backdrop = NDArray[np.float32]


def _colour(rng: np.random.Generator, low: int = 20, high: int = 235) -> NDArray[np.float32]:
    return rng.uniform(low, high, 3).astype(np.float32)


def paint_clouds(rng: np.random.Generator, width: int, height: int) -> Backdrop:
    """Blend two colours by noise of six octaves: out-of-focus texture, from blots down to grain."""
    noise = np.zeros((height, width), np.float32)
    for octave in range(6):
        cells = rng.normal(size=(2 + 2**octave, 3 + 2**octave)).astype(np.float32)
        noise += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    mix = (1 / (1 + np.exp(-noise)))[:, :, None]
    return np.asarray(_colour(rng) * mix + _colour(rng) * (1 - mix), np.float32)


def paint_wallpaper(rng: np.random.Generator, width: int, height: int) -> Backdrop:
    """Slanted stripes of three colours, of uneven width, under a lamp's falling light."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    across = (x * np.cos(angle) + y * np.sin(angle)) / rng.uniform(14, 60)
    palette = np.stack([_colour(rng) for _ in range(3)])
    stripes = palette[np.floor(across + 0.35 * np.sin(across * 0.7)).astype(int) % 3]
    lamp = np.hypot(x - rng.uniform(0, width), y - rng.uniform(0, height)) / width
    return np.asarray(stripes * (1.1 - 0.6 * lamp[:, :, None]), np.float32)


def paint_tiles(rng: np.random.Generator, width: int, height: int) -> Backdrop:
    """A tiled wall: each tile its own shade of one colour, with joints."""
    side = int(rng.integers(24, 80))
    rows, columns = height // side + 2, width // side + 2
    shades = _colour(rng) + rng.normal(0, 18, (rows, columns, 1))
    wall = np.repeat(np.repeat(shades, side, 0), side, 1)[:height, :width].astype(np.float32)
    wall[::side], wall[:, ::side] = _colour(rng), _colour(rng)
    return wall


def paint_office(rng: np.random.Generator, width: int, height: int) -> Backdrop:
    """A wall with a window, a shelf of book spines and a desk."""
    room = np.ones((height, width, 3), np.float32) * _colour(rng, 120, 235)
    left, top = int(rng.uniform(0, width * 0.6)), int(rng.uniform(0, height * 0.2))
    cv2.rectangle(room, (left, top), (left + width // 4, top + height // 3), (250, 245, 235), -1)
    cv2.rectangle(room, (left, top), (left + width // 4, top + height // 3), (90, 90, 95), 5)
    shelf, x = int(height * rng.uniform(0.5, 0.65)), int(rng.uniform(0, width * 0.3))
    while x < width * 0.9:
        spine = int(rng.integers(8, 22))
        top = shelf - int(rng.integers(40, 90))
        cv2.rectangle(room, (x, top), (x + spine, shelf), _colour(rng).tolist(), -1)
        x += spine
    cv2.rectangle(room, (0, int(height * 0.8)), (width, height), _colour(rng, 30, 120).tolist(), -1)
    return cv2.GaussianBlur(room, (0, 0), rng.uniform(0.8, 3)).astype(np.float32)


BACKDROPS: tuple[Callable[[np.random.Generator, int, int], Backdrop], ...] = (
    paint_office,
    paint_clouds,
    paint_wallpaper,
    paint_tiles,
)

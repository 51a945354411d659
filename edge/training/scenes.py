"""Backgrounds as photographs have them, drawn by rule: what the text gate must not take for text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 224
Scene = Callable[[np.random.Generator], "NDArray[np.uint8]"]


def choose_colour(rng: np.random.Generator, low: float = 5, high: float = 250) -> list[float]:
    """Draw a colour; half of them nearly grey, as most of what is photographed is."""
    colour = rng.uniform(low, high, 3)
    mean = colour.mean()
    return list((mean + (colour - mean) * (0.3 if rng.random() < 0.5 else 1.0)).tolist())


def _plain(rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3), choose_colour(rng), np.uint8)


def paint_blots(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Soft patches of some colours: walls, skin, what is out of focus."""
    rows, columns = rng.integers(2, 12, 2)
    palette = np.array([choose_colour(rng) for _ in range(int(rng.integers(2, 7)))], np.float32)
    cells = palette[rng.integers(len(palette), size=(rows, columns))]
    return np.clip(cv2.resize(cells, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def paint_grain(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noise with so much power at each scale as nature has: stone, sand, plaster, fur."""
    noise = np.zeros((SIDE, SIDE), np.float32)
    fall = rng.uniform(0.45, 1.0)
    stretch = int(rng.choice([1, 1, 1, 4]))
    for octave in range(1, 8):
        cells = rng.standard_normal((2**octave // stretch + 1, 2**octave), np.float32)
        noise += cv2.resize(cells, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) * fall**octave
    noise = ((noise - noise.min()) / np.ptp(noise))[:, :, None]
    dark, light = (np.array(choose_colour(rng), np.float32) for _ in range(2))
    return np.asarray(dark + (light - dark) * noise, np.uint8)


def paint_shapes(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Things with hard edges: boxes, discs, corners, lines."""
    canvas = _plain(rng)
    biggest = rng.uniform(6, 120)
    for _ in range(int(rng.integers(3, 70))):
        kind, at = rng.integers(5), rng.integers(-20, SIDE + 20, 2)
        points = (at + rng.normal(0, biggest / 2, (int(rng.integers(3, 6)), 2))).astype(np.int32)
        colour, width = choose_colour(rng), int(rng.choice([-1, -1, 1, 2, 4]))
        if kind == 0:
            cv2.rectangle(canvas, points[0].tolist(), points[1].tolist(), colour, width)
        elif kind == 1:
            cv2.circle(canvas, at.tolist(), int(rng.uniform(2, biggest)), colour, width, cv2.LINE_AA)
        elif kind == 2:
            cv2.polylines(canvas, [points], bool(rng.integers(2)), colour, abs(width), cv2.LINE_AA)
        else:
            cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA)
    return canvas


def paint_leaves(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Leaves, pebbles or petals: hundreds of small ellipses of like colours."""
    canvas = _plain(rng)
    base, size = np.array(choose_colour(rng)), rng.uniform(2, 14)
    lean, spread = rng.uniform(0, 180), rng.uniform(5, 90)
    for _ in range(int(rng.integers(80, 420))):
        colour = np.clip(base * rng.uniform(0.3, 1.5) + rng.normal(0, 15, 3), 0, 255).tolist()
        axes = (int(rng.uniform(1, size) + 1), int(rng.uniform(1, size / 2) + 1))
        turn = lean + rng.normal(0, spread)
        cv2.ellipse(canvas, rng.integers(0, SIDE, 2).tolist(), axes, turn, 0, 360, colour, -1, cv2.LINE_AA)
    return canvas


def paint_strokes(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Grass, hair, twigs, cracks: many thin lines that lean alike, or wander."""
    canvas = _plain(rng) if rng.random() < 0.5 else paint_blots(rng)
    base, lean, spread = np.array(choose_colour(rng)), rng.uniform(0, np.pi), rng.uniform(0.05, 1.2)
    longest, wander = rng.uniform(8, 90), rng.uniform(0, 0.6)
    for _ in range(int(rng.integers(15, 220))):
        turns = lean + rng.normal(0, spread) + np.cumsum(rng.normal(0, wander, 5))
        steps = np.stack([np.cos(turns), np.sin(turns)], 1) * rng.uniform(2, longest) / 5
        points = (rng.integers(0, SIDE, 2) + np.cumsum(steps, 0)).astype(np.int32)
        colour = np.clip(base * rng.uniform(0.4, 1.6), 0, 255).tolist()
        cv2.polylines(canvas, [points], False, colour, int(rng.integers(1, 4)), cv2.LINE_AA)
    return canvas


def paint_bars(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Fences, blinds, boards, barcodes: stripes, even or not, at any angle."""
    edges = np.cumsum(
        rng.uniform(1.5, rng.uniform(4, 40), 400) if rng.random() < 0.5 else np.full(400, rng.uniform(2, 24))
    )
    palette = np.array([choose_colour(rng) for _ in range(int(rng.integers(2, 5)))], np.float32)
    turn = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    across = x * np.cos(turn) + y * np.sin(turn) + SIDE + np.sin(y / 20) * rng.choice([0, 0, 4])
    return np.asarray(palette[np.searchsorted(edges, across) % len(palette)], np.uint8)


def paint_windows(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Fronts of houses, shelves, keyboards, grids: the same small thing in rows and columns."""
    canvas = _plain(rng)
    step = rng.uniform(7, 60, 2)
    size = step * rng.uniform(0.3, 0.9, 2)
    jitter, kind = rng.choice([0, 0, 0.15]), rng.integers(3)
    palette = [choose_colour(rng) for _ in range(int(rng.integers(1, 4)))]
    for y in np.arange(rng.uniform(0, step[1]), SIDE, step[1]):
        for x in np.arange(rng.uniform(0, 3), SIDE, step[0]):
            place = np.array([x, y]) + rng.normal(0, 1, 2) * jitter * step
            one, other = place.astype(int).tolist(), (place + size).astype(int).tolist()
            colour = palette[rng.integers(len(palette))]
            if kind == 0:
                cv2.circle(canvas, one, int(size.min() / 2), colour, -1, cv2.LINE_AA)
            else:
                cv2.rectangle(canvas, one, other, colour, -1 if kind == 1 else 1)
    return canvas


def paint_view(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sky, hills and ground, each with its own fall of light."""
    canvas = _plain(rng)
    x = np.arange(SIDE)
    for layer in range(int(rng.integers(2, 6))):
        ridge = SIDE * (0.2 + 0.15 * layer) + sum(
            rng.uniform(2, 22) * np.sin(x / rng.uniform(4, 60) + rng.uniform(0, 6)) for _ in range(3)
        )
        shape = np.concatenate([np.stack([x, ridge], 1), [[SIDE, SIDE], [0, SIDE]]]).astype(np.int32)
        cv2.fillPoly(canvas, [shape], choose_colour(rng), cv2.LINE_AA)
    return canvas


SCENES: tuple[Scene, ...] = (
    paint_blots,
    paint_grain,
    paint_shapes,
    paint_leaves,
    paint_strokes,
    paint_bars,
    paint_windows,
    paint_view,
)


def paint_scene(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint one scene, or two that share the picture, lit unevenly."""
    scene = SCENES[rng.integers(len(SCENES))](rng)
    if rng.random() < 0.5:
        mask = cv2.resize(rng.random((3, 3), np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        scene = np.where((mask > 0.5)[:, :, None], scene, SCENES[rng.integers(len(SCENES))](rng))
    light = rng.uniform(0.5, 1.2, (2, 2)).astype(np.float32)
    lit = scene * cv2.resize(light, (SIDE, SIDE))[:, :, None]
    if rng.random() < 0.4:
        lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.5, 4)))
    return np.asarray(np.clip(lit, 0, 255), np.uint8)

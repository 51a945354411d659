"""Synthetic training pictures for the hiragana classifier: characters on cards, and pictures without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.training.alphabet import Alphabet
from edge.training.characters import LABELS, OTHERS, VOWELS
from edge.training.stage import GLYPH_SIDE, draw_card, expose, grid, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

OTHER = LABELS.index("other")


def draw_writing(rng: np.random.Generator, alphabet: Alphabet) -> tuple[NDArray[np.uint8], int]:
    """Draw one (64, 64) picture and the number of its label: 5 in 8 a vowel, 2 in 8 others, 1 in 8 none."""
    kind = int(rng.integers(8))
    if kind < OTHER:
        return draw_card(rng, _distort(rng, alphabet.choose(rng, VOWELS[kind]))), kind
    if kind < 7:
        character = OTHERS[rng.integers(len(OTHERS))]
        return draw_card(rng, _distort(rng, alphabet.choose(rng, character))), OTHER
    if rng.random() < 0.5:
        scene = alphabet.scenes[rng.integers(len(alphabet.scenes))]
        return expose(rng, scene.astype(np.float32)), OTHER
    return draw_card(rng, _scribble(rng, alphabet)), OTHER


def _distort(rng: np.random.Generator, glyph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make strokes bolder or finer, and bend the whole as no two hands write alike."""
    if rng.random() < 0.45:
        bolder = rng.random() < 0.7
        width = int(rng.integers(2, 6 if bolder else 3))
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        changed = (cv2.dilate if bolder else cv2.erode)(glyph, brush)
        glyph = np.asarray(changed, np.uint8) if changed.sum() > glyph.sum() * 0.45 else glyph
    cells = int(rng.integers(3, 7))
    bend = rng.normal(0, rng.uniform(0, 4.5), (cells, cells, 2)).astype(np.float32)
    field = cv2.resize(bend, (GLYPH_SIDE, GLYPH_SIDE), interpolation=cv2.INTER_CUBIC)
    stretch = np.eye(2) + rng.uniform(-1, 1, (2, 2)) * ((0.15, 0.12), (0.05, 0.15))
    middle = np.full((2, 1), GLYPH_SIDE / 2)
    affine = np.hstack([stretch, middle - stretch @ middle])
    where = cv2.transform(grid(GLYPH_SIDE, GLYPH_SIDE), affine) + field
    return sample(glyph, where)


def _scribble(rng: np.random.Generator, alphabet: Alphabet) -> NDArray[np.uint8]:
    """Draw what is on a card but no character: nothing, lines and bows, or several small characters."""
    canvas = np.zeros((GLYPH_SIDE, GLYPH_SIDE), np.uint8)
    kind = rng.integers(3)
    if kind == 1:
        for _ in range(int(rng.integers(1, 6))):
            ends = rng.integers(8, GLYPH_SIDE - 8, (2, 2)).tolist()
            size = rng.integers(4, 40, 2).tolist()
            turn, width = int(rng.integers(360)), int(rng.integers(2, 12))
            if rng.random() < 0.5:
                cv2.line(canvas, ends[0], ends[1], 255, width)
            else:
                cv2.ellipse(canvas, ends[0], size, turn, 0, int(rng.integers(60, 361)), 255, width)
    elif kind == 2:
        side = GLYPH_SIDE // int(rng.integers(2, 5))
        for x in range(0, GLYPH_SIDE - side + 1, side):
            for y in range(0, GLYPH_SIDE - side + 1, side):
                glyph = alphabet.choose(rng, str(rng.choice(list(VOWELS + OTHERS))))
                canvas[y : y + side, x : x + side] = cv2.resize(
                    glyph, (side, side), interpolation=cv2.INTER_AREA
                )
    return canvas

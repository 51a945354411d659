"""Sets words in lines: what a sign, a label or a page looks like, as a mask of its ink."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.training.scripts import Scripts, make_word

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_SIZE, MAX_SIZE = 12, 52  # of letters, in pixels of a picture of 224
WIDTH, HEIGHT = 205, 190  # that a block takes at most
SPACING = 1.25
SHRINK = 0.75


@dataclass(frozen=True, eq=False)
class Block:
    """Ink (height, width) uint8, and what it says: the published rule counts words and characters."""

    ink: NDArray[np.uint8]
    script: str
    words: int
    characters: int


def draw_block(rng: np.random.Generator, scripts: Scripts, script: str | None = None) -> Block:
    """Draw several words, more than five characters in all."""
    script, font = scripts.choose(rng, script)
    words = [make_word(rng, script, int(rng.integers(2, 9))) for _ in range(int(rng.integers(2, 14)))]
    words[0] += make_word(rng, script, max(0, 6 - sum(map(len, words[:2]))))
    size = MIN_SIZE * (MAX_SIZE / MIN_SIZE) ** rng.random()
    return _set(font, script, words, size)


def draw_short_word(rng: np.random.Generator, scripts: Scripts) -> Block:
    """Draw one word of at most four characters: text, but not by the published rule."""
    script, font = scripts.choose(rng)
    return _set(font, script, [make_word(rng, script, int(rng.integers(1, 5)))], rng.uniform(16, MAX_SIZE))


def _set(font: Path, script: str, words: list[str], size: float) -> Block:
    """Break words into lines, smaller until at least the first two of them fit."""
    while True:
        face = open_face(font, round(size))
        lines = _wrap(face, words)[: max(1, int(HEIGHT / (size * SPACING)))]
        placed = sum(map(len, lines))
        if placed >= min(2, len(words)) and all(face.getlength(" ".join(line)) <= WIDTH for line in lines):
            break
        size *= SHRINK
    said = [word for line in lines for word in line]
    return Block(_draw(face, lines, size), script, len(said), sum(map(len, said)))


def _wrap(face: ImageFont.FreeTypeFont, words: list[str]) -> list[list[str]]:
    lines: list[list[str]] = [[]]
    for word in words:
        if lines[-1] and face.getlength(" ".join([*lines[-1], word])) > WIDTH:
            lines.append([])
        lines[-1].append(word)
    return lines


def _draw(face: ImageFont.FreeTypeFont, lines: list[list[str]], size: float) -> NDArray[np.uint8]:
    canvas = Image.new("L", (WIDTH + 60, round(size * SPACING * len(lines) + size * 2)), 0)
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        pen.text((30, round(size * (0.5 + SPACING * number))), " ".join(line), fill=255, font=face)
    return np.asarray(canvas.crop(canvas.getbbox() or (0, 0, 2, 2)), np.uint8)


@lru_cache(maxsize=600)
def open_face(font: Path, size: int) -> ImageFont.FreeTypeFont:
    """Return a font of a size in pixels."""
    return ImageFont.truetype(str(font), size)

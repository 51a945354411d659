"""Draws single characters for tests: `python -m edge.training.draw_characters FONT... --out FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from edge.training.fonts import draw_glyph

CHARACTERS = "あいうえおか日"
SIDE = 96  # pixels
INK, PAPER = 30, 220


def draw_character(font: Path, character: str, *, dark: bool) -> Image.Image:
    """Return a grey picture of a character in its middle, dark on light or the other way round.

    Raises:
        ValueError: The font does not have it.
    """
    glyph = draw_glyph(font, character, SIDE)
    if glyph is None:
        raise ValueError(f"{font}: has no {character}")
    ink, paper = (INK, PAPER) if dark else (PAPER, INK)
    return Image.fromarray((paper + (ink - paper) * (glyph / 255)).astype(np.uint8))


def main() -> None:
    """Write one PNG for each character and font; every second font light on dark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for number, font in enumerate(options.fonts):
        for character in CHARACTERS:
            picture = draw_character(font, character, dark=number % 2 == 0)
            picture.save(options.out / f"{font.stem}-{character}.png", optimize=True)


if __name__ == "__main__":
    main()

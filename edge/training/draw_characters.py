"""Draws single characters for tests: `python -m edge.training.draw_characters FONT... --out FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CHARACTERS = "あいうえおか日"
SIDE = 96  # pixels
INK, PAPER = 30, 220


def draw_character(font: Path, character: str, *, dark: bool) -> Image.Image:
    """Return a grey picture of a character in its middle, dark on light or the other way round."""
    ink, paper = (INK, PAPER) if dark else (PAPER, INK)
    picture = Image.new("L", (SIDE, SIDE), paper)
    pen = ImageDraw.Draw(picture)
    face = ImageFont.truetype(str(font), 72)
    pen.text((SIDE / 2, SIDE / 2), character, fill=ink, font=face, anchor="mm")
    return picture


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

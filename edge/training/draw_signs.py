"""Draws the pictures that tests show the text gate: `python -m edge.training.draw_signs --out FOLDER`.

Two sheets of 8 x 10 pictures of 224 x 224, with text and without; fonts and backgrounds that no training saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from edge.training.gate_score import draw_held_out
from edge.training.scripts import HELD_OUT, Scripts

ROWS, COLUMNS = 10, 8
SEED = 1871
QUALITY = 75  # 224 is a multiple of 16, so the pictures of a sheet share no block


def main() -> None:
    """Write text.jpg and none.jpg."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    drawn = draw_held_out(np.random.default_rng(SEED), Scripts(HELD_OUT), 2 * ROWS * COLUMNS)
    signs = [sign.pixels for sign, _ in drawn]
    for name, pictures in (("text", signs[::2]), ("none", signs[1::2])):
        rows = [np.hstack(pictures[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
        cv2.imwrite(str(options.out / f"{name}.jpg"), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()

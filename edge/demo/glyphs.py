"""Hands as pictures: the emoji of Debian's fonts-noto-color-emoji, cut out with their transparency."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
FONT_SIZE = 109  # the one size this bitmap font has
THUMBS_UP = "\U0001f44d"
TONES = ("", *map(chr, range(0x1F3FB, 0x1F400)))
OTHER_HANDS = {
    "thumbs-down": "\U0001f44e",
    "raised-fist": "\u270a",
    "raised-palm": "\u270b",
    "victory": "\u270c",
    "index-up": "\u261d",
    "fist": "\U0001f44a",
    "ok": "\U0001f44c",
    "raised-back": "\U0001f91a",
    "index-left": "\U0001f448",
    "index-right": "\U0001f449",
    "wave": "\U0001f44b",
    "horns": "\U0001f918",
    "call-me": "\U0001f919",
    "crossed-fingers": "\U0001f91e",
    "vulcan": "\U0001f596",
}


@dataclass(frozen=True, eq=False)
class Glyph:
    """One hand: (height, width, 4) uint8 BGRA pixels, and the (n, 2) hull of what can be seen of it."""

    pixels: NDArray[np.uint8]
    hull: NDArray[np.float64]


@cache
def cut_glyph(text: str, *, mirrored: bool = False) -> Glyph:
    """Return an emoji cut out of the font.

    Raises:
        OSError: The font is not installed (apt-get install fonts-noto-color-emoji).
    """
    font = ImageFont.truetype(FONT, FONT_SIZE)
    picture = Image.new("RGBA", (180, 180), (0, 0, 0, 0))
    ImageDraw.Draw(picture).text((20, 20), text, font=font, embedded_color=True)
    pixels = np.asarray(picture.crop(picture.getbbox()), np.uint8)[:, :, [2, 1, 0, 3]]
    if mirrored:
        pixels = pixels[:, ::-1]
    seen = np.argwhere(pixels[:, :, 3] > 127)[:, ::-1].astype(np.float32)
    hull = cv2.convexHull(seen).reshape(-1, 2).astype(np.float64)
    return Glyph(np.ascontiguousarray(pixels), hull)

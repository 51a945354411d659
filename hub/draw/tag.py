"""Draws the text beside a box: dark on a field of the boxes' colour, to be read on any background."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hub.event import Detection

    Corners = tuple[int, int, int, int]

TAG_BGR = (64, 220, 64)
MIN_SIZE = 10  # pixels
_TEXT_BGR = (0, 0, 0)
_PICTOGRAPHS = 0x1F000  # from here on OpenCV's font has none of the emoji
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_VARIANTS = range(0xFE00, 0xFE10)


def write_tag(detection: Detection) -> tuple[str, str]:
    """Return the label as the font can draw it, and the confidence."""
    label = detection.label
    plain = label if label.isascii() else "".join(map(_spell, label))
    return plain, f": {detection.confidence:.2%}"


def _spell(character: str) -> str:
    """Return a character, or the name in brackets of an emoji; what cannot be seen is left out."""
    code = ord(character)
    if code in _SKIN_TONES or code in _VARIANTS or unicodedata.category(character) == "Cf":
        return ""
    if code >= _PICTOGRAPHS and unicodedata.category(character) == "So":
        return f"[{unicodedata.name(character, f'U+{code:X}').lower()}]"
    return character


def draw_tag(
    pixels: NDArray[np.uint8],
    text: tuple[str, str],
    corners: Corners,
    colour: tuple[int, int, int] = TAG_BGR,
    *,
    below: bool = False,
) -> None:
    """Write a label and its confidence beside a box, in place.

    Args:
        pixels: (height, width, 3) uint8 BGR.
        text: What `write_tag` gave; if it is too long, the label is shortened.
        corners: Of the box, in pixels.
        below: Write it below the box, where there is room, and not above.
    """
    height = pixels.shape[0]
    size = max(MIN_SIZE, height // 24)
    top = _find_top(corners, _find_height(size), height, below=below)
    _write(pixels, text, size, (corners[0], top), colour)


def list_tag(
    pixels: NDArray[np.uint8],
    text: tuple[str, str],
    row: int,
    rows: int,
    colour: tuple[int, int, int] = TAG_BGR,
) -> None:
    """Write a label and its confidence into a list of so many rows at the top left, in place.

    It speaks of the whole picture, and is larger than what is said of a part while the list is short.
    """
    size = max(MIN_SIZE, pixels.shape[0] // max(14, 2 * rows))
    corner = (size // 2, size // 2 + row * (_find_height(size) + 1 + size // 6))
    _write(pixels, text, size, corner, colour)


def _find_height(size: int) -> int:
    return round(size * 1.4)


def _write(
    pixels: NDArray[np.uint8],
    text: tuple[str, str],
    size: int,
    corner: tuple[int, int],
    colour: tuple[int, int, int],
) -> None:
    width, margin = pixels.shape[1], max(1, size // 6)
    line, across = _shorten(text, size, width - 2 * margin)
    left, top = max(0, min(corner[0], width - across - 2 * margin)), corner[1]
    end = (left + across + 2 * margin, top + _find_height(size))
    cv2.rectangle(pixels, (left, top), end, colour, cv2.FILLED)
    cv2.putText(pixels, line, (left + margin, top + round(size * 1.05)), _TEXT_BGR, cv2.FontFace("uni"), size)


def _find_top(corners: Corners, tall: int, height: int, *, below: bool) -> int:
    """Return where a tag begins: above its box, or below it, or in it, wherever it is seen."""
    _, ymin, _, ymax = corners
    if ymin >= tall and not (below and 0 <= ymax <= height - tall):
        return min(ymin, height) - tall
    return ymax if 0 <= ymax <= height - tall else max(0, ymin)


def _shorten(text: tuple[str, str], size: int, room: int) -> tuple[str, int]:
    """Return the text that has room, in pixels, and its width."""
    label, confidence = text
    line = label + confidence
    while (across := _measure(line, size)) > room and len(label) > 1:
        label = label[: min(len(label) - 1, len(label) * room // across)]
        line = f"{label}…{confidence}"
    return line, across


def _measure(line: str, size: int) -> int:
    left, _, width, _ = cv2.getTextSize((0, 0), line, (0, 0), cv2.FontFace("uni"), size)
    return int(left + width)

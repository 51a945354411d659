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


def draw_tag(pixels: NDArray[np.uint8], text: tuple[str, str], corners: Corners | None, row: int) -> None:
    """Write a label and its confidence beside a box, in place.

    Args:
        pixels: (height, width, 3) uint8 BGR.
        text: What `write_tag` gave; if it is too long, the label is shortened.
        corners: Of the box, in pixels; None puts the text into a list at the top left.
        row: Of that list.
    """
    height, width = pixels.shape[:2]
    size = max(10, height // 24)
    margin, tall = max(1, size // 6), round(size * 1.4)
    line, across = _shorten(text, size, width - 2 * margin)
    if corners is None:
        left, top = size // 2, size // 2 + row * (tall + margin)
    else:
        left, top = corners[0], _find_top(corners, tall, height)
    left = max(0, min(left, width - across - 2 * margin))
    cv2.rectangle(pixels, (left, top), (left + across + 2 * margin, top + tall), TAG_BGR, cv2.FILLED)
    cv2.putText(pixels, line, (left + margin, top + round(size * 1.05)), _TEXT_BGR, cv2.FontFace("uni"), size)


def _find_top(corners: Corners, tall: int, height: int) -> int:
    """Return where a tag begins: above its box, or below it, or in it, wherever it is seen."""
    _, ymin, _, ymax = corners
    if ymin >= tall:
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

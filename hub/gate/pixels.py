"""Reads a picture as a gate's network takes it, no larger than it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from hub.errors import PayloadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hub.gate.card import GateCard

_REDUCED = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
)


def read_pixels(data: bytes, width: int, height: int, card: GateCard) -> NDArray[np.float32]:
    """Return (1, 3, height, width) float32 RGB as the card says, the whole picture squeezed into it.

    A JPEG is decoded at a half, a quarter or an eighth of its size where that is still larger than needed.

    Args:
        width: Of the picture in pixels; a wrong one costs time or sharpness only.
        height: Likewise.

    Raises:
        PayloadError: `picture_unreadable`: it cannot be decoded.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _choose_flag(width, height, card))
    except cv2.error:  # such as for no bytes at all
        pixels = None
    if pixels is None:
        raise PayloadError("picture_unreadable", f"{len(data)} bytes that cannot be decoded as a picture")
    size = (card.width, card.height)
    if pixels.shape[1::-1] != size:
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    scale = (card.high - card.low) / 255
    mean = -card.low / scale
    return np.asarray(cv2.dnn.blobFromImage(pixels, scale, size, (mean, mean, mean), swapRB=True))


def _choose_flag(width: int, height: int, card: GateCard) -> int:
    for part, flag in _REDUCED:
        if min(width, height) // part >= max(card.width, card.height):
            return int(flag)
    return int(cv2.IMREAD_COLOR)

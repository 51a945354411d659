"""Decodes pictures, encodes them and draws detections on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hub.event import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG_QUALITY = 90  # the published system's
_COLOUR_BGR = (64, 220, 64)
_TEXT_BGR = (0, 0, 0)


class PictureError(ValueError):
    """The bytes are not a picture that can be decoded."""


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """Return a picture's (height, width, 3) uint8 BGR pixels.

    Raises:
        PictureError: The bytes are not a picture.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise PictureError(f"cannot decode {len(data)} bytes as a picture") from error
    if pixels is None:
        raise PictureError(f"cannot decode {len(data)} bytes as a picture")
    return np.asarray(pixels, np.uint8)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """Return the JPEG (quality 1..100) of (height, width, 3) uint8 BGR pixels."""
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise PictureError(f"cannot encode a picture of shape {pixels.shape}")
    return bytes(data)


def draw_detections(pixels: NDArray[np.uint8], detections: Iterable[Detection]) -> NDArray[np.uint8]:
    """Return a copy of the BGR pixels with each box and its "label: 87.50%" drawn on it."""
    drawn = pixels.copy()
    height, width = drawn.shape[:2]
    thickness = max(1, round(height / 240))
    size, row = max(10, height // 24), 0
    for detection in detections:
        text = f"{detection.label}: {detection.confidence:.2%}"
        origin = (size // 2, size * (2 * row + 3) // 2)
        if detection.box is None:
            row += 1
        else:
            corners = np.clip(np.round(detection.box.corners_in(width, height)), -(2**15), 2**15)
            xmin, ymin, xmax, ymax = (int(corner) for corner in corners)
            cv2.rectangle(drawn, (xmin, ymin), (xmax, ymax), _COLOUR_BGR, thickness)
            below = ymin < 2 * size
            origin = (min(max(xmin, 0), width - 1), ymax + size + thickness if below else ymin - size // 3)
        _draw_tag(drawn, text, origin, size)
    return drawn


def _draw_tag(pixels: NDArray[np.uint8], text: str, origin: tuple[int, int], size: int) -> None:
    """Write dark text on a field of the boxes' colour, so that it can be read on any background."""
    height, width = pixels.shape[:2]
    face = cv2.FontFace("uni")
    left, top, text_width, text_height = cv2.getTextSize((width, height), text, origin, face, size)
    margin = max(1, size // 6)
    corner = (left + text_width + margin, top + text_height + margin)
    cv2.rectangle(pixels, (left - margin, top - margin), corner, _COLOUR_BGR, cv2.FILLED)
    cv2.putText(pixels, text, origin, _TEXT_BGR, face, size)

"""Decodes pictures, encodes them and draws detections on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hub.draw.tag import TAG_BGR, draw_tag, list_tag, write_tag
from hub.event import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG_QUALITY = 90  # the published system's


class PictureError(ValueError):
    """The bytes are not a picture that can be decoded."""


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """Return a picture's (height, width, 3) uint8 BGR pixels, upright as EXIF says.

    Raises:
        PictureError: The bytes are not a picture.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
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


def draw_detections(
    pixels: NDArray[np.uint8], detections: Iterable[Detection], colour: tuple[int, int, int] = TAG_BGR
) -> NDArray[np.uint8]:
    """Return a copy of the BGR pixels with each box and its "label: 87.50%" drawn on it.

    The text lies above its box, where there is no room below it, and else in it; what has no box is listed at
    the top left. It is kept inside the picture, and a label that is too long for that is shortened.
    """
    drawn, found = pixels.copy(), list(detections)
    height, width = drawn.shape[:2]
    rectangles = [_place_box(detection, width, height) for detection in found]
    for corners in rectangles:
        if corners is not None:
            cv2.rectangle(drawn, corners[:2], corners[2:], colour, max(1, round(height / 240)))
    row = rows = rectangles.count(None)
    for detection, corners in reversed(list(zip(found, rectangles, strict=True))):  # the surest comes on top
        if corners is None:
            row -= 1
            list_tag(drawn, write_tag(detection), row, rows, colour)
        else:
            draw_tag(drawn, write_tag(detection), corners, colour)
    return drawn


def _place_box(detection: Detection, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Return a box's corners in pixels, as far out as OpenCV can draw."""
    if detection.box is None:
        return None
    corners = np.clip(np.round(detection.box.corners_in(width, height)), -(2**15), 2**15)
    xmin, ymin, xmax, ymax = (int(corner) for corner in corners)
    return xmin, ymin, xmax, ymax

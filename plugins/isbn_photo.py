"""A picture made ready: grey for the barcode reader; small, upright and JPEG for classifiers. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from hub.draw.picture import decode_picture, encode_jpeg

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_grey(data: bytes) -> NDArray[np.uint8]:
    """Return a picture's (height, width) uint8 grey pixels, upright.

    Raises:
        PictureError: The bytes are not a picture.
    """
    return np.asarray(cv2.cvtColor(decode_picture(data), cv2.COLOR_BGR2GRAY), np.uint8)


def shrink(data: bytes, longest_px: int) -> bytes:
    """Return a picture as upright JPEG whose sides are not longer than that.

    Raises:
        PictureError: The bytes are not a picture.
    """
    pixels = decode_picture(data)
    scale = min(1.0, longest_px / max(pixels.shape[:2]))
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(pixels)

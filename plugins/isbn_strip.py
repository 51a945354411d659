"""Makes a blurred or askew barcode readable: a straight strip, averaged along the bars, and sharpened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import zxingcpp

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODULE_PX = 6
"""How wide the narrowest bar is made for reading."""
MODULES = 95
QUIET_MODULES = 16
"""Kept at both ends: the standard asks for 11 and 7, and the detector's corners are not exact."""
NOISE = 0.01
"""Wiener's: more of it sharpens less. Measured with benchmarks/barcodes.py, as were the steps."""


class Strip(NamedTuple):
    """A straightened region, (height, width) uint8 grey; `turn` is the (3, 3) matrix that led to it."""

    pixels: NDArray[np.uint8]
    turn: NDArray[np.float64]

    def locate(self, corners: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where in the picture the bars between these corners stand, over the strip's whole height."""
        (left, _), (right, _) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        height = self.pixels.shape[0]
        around = np.array([[(left, 0), (right, 0), (right, height), (left, height)]], np.float32)
        return np.asarray(cv2.perspectiveTransform(around, np.linalg.inv(self.turn))[0], np.float32)


def straighten(picture: NDArray[np.uint8], corners: NDArray[np.float32]) -> Strip:
    """Return a region with its bars upright, about MODULE_PX for each module, and what is beside it."""
    length, across = _sides(corners)
    if length < across:
        corners, length, across = np.roll(corners, -1, axis=0), across, length
    width, pad = MODULES * MODULE_PX, QUIET_MODULES * MODULE_PX
    height = max(int(across * width / max(length, 1)), 40)
    target = np.array([(pad, 0), (pad + width, 0), (pad + width, height), (pad, height)], np.float32)
    turn = cv2.getPerspectiveTransform(corners, target)
    pixels = cv2.warpPerspective(
        picture, turn, (width + 2 * pad, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return Strip(np.asarray(pixels, np.uint8), np.asarray(turn, np.float64))


def _sides(corners: NDArray[np.float32]) -> tuple[float, float]:
    return float(np.linalg.norm(corners[0] - corners[1])), float(np.linalg.norm(corners[1] - corners[2]))


def _average(strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the strip averaged along its bars: less noise, the same edges."""
    sixth = strip.shape[0] // 6
    middle = strip[sixth:-sixth]
    return np.asarray(cv2.blur(middle, (1, middle.shape[0] // 2 | 1)), np.uint8)


def _sharpen(blur_modules: float) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return what undoes a Gaussian blur across the bars (Wiener's filter), contrast stretched."""

    def treat(strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
        lines = _average(strip).astype(np.float32)
        frequency = np.fft.rfftfreq(lines.shape[1])
        passed = np.exp(-2 * (np.pi * frequency * blur_modules * MODULE_PX) ** 2)
        spectrum = np.fft.rfft(lines, axis=1) * passed / (passed**2 + NOISE)
        return _stretch(np.fft.irfft(spectrum, lines.shape[1], axis=1))

    return treat


def _stretch(lines: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = np.percentile(lines, (2, 98)).tolist()
    stretched = np.clip((lines - low) * 255 / max(high - low, 1), 0, 255)
    return np.asarray(stretched, np.uint8)


_LOCAL, _FIXED = zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.FixedThreshold
TREATMENTS = (
    (lambda strip: strip, _LOCAL, False),
    (_average, _LOCAL, False),
    (_sharpen(0.4), _LOCAL, True),
    (_sharpen(0.5), _FIXED, True),
    (_sharpen(0.6), _FIXED, True),
    (_sharpen(0.7), _FIXED, True),
)
"""What is tried in turn: how the strip is treated, how made black and white, and whether that sharpens."""

"""Draws photographs of books' barcodes: turned, seen askew, blurred, with noise, in front of anything.

Source of the bars: GS1 General Specifications, EAN-13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ODD = [
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
]
_EVEN = [
    "0100111",
    "0110011",
    "0011011",
    "0100001",
    "0011101",
    "0111001",
    "0000101",
    "0010001",
    "0001001",
    "0010111",
]
_RIGHT = [
    "1110010",
    "1100110",
    "1101100",
    "1000010",
    "1011100",
    "1001110",
    "1010000",
    "1000100",
    "1001000",
    "1110100",
]
_PARITY = ["oooooo", "ooeoee", "ooeeoe", "ooeeeo", "oeooee", "oeeooe", "oeeeoo", "oeoeoe", "oeoeeo", "oeeoeo"]
QUIET_LEFT, QUIET_RIGHT = 11, 7
MODULES = 95 + QUIET_LEFT + QUIET_RIGHT
HEIGHT_MODULES = 69
_DRAWN_PX = 6
_PAPER, _INK = 235, 25


@dataclass(frozen=True, slots=True)
class Shot:
    """How one barcode is photographed.

    Args:
        module_px: How wide its narrowest bar is in the picture.
        angle: Degrees, anticlockwise.
        blur_modules: Standard deviation of the blur, in widths of the narrowest bar.
        tilt: How much farther its right end is: 0.2 draws it about a fifth smaller there.
        at: Its middle, in fractions of the picture.
    """

    module_px: float = 3.0
    angle: float = 0.0
    blur_modules: float = 0.0
    tilt: float = 0.0
    at: tuple[float, float] = (0.5, 0.5)


def draw_bars(digits: str) -> str:
    """Return the 95 modules of an EAN-13, 1 for a bar; its check digit is not looked at."""
    parity = _PARITY[int(digits[0])]
    left = (
        (_ODD if kind == "o" else _EVEN)[int(digit)] for kind, digit in zip(parity, digits[1:7], strict=True)
    )
    return f"101{''.join(left)}01010{''.join(_RIGHT[int(digit)] for digit in digits[7:])}101"


def draw_barcode(digits: str) -> NDArray[np.uint8]:
    """Return a printed barcode with its quiet zones and digits, (height, width) uint8 grey."""
    bars = np.array([digit == "1" for digit in draw_bars(digits)])
    row = np.repeat(np.where(np.pad(bars, (QUIET_LEFT, QUIET_RIGHT)), _INK, _PAPER), _DRAWN_PX)
    code = np.tile(row.astype(np.uint8), (HEIGHT_MODULES * _DRAWN_PX, 1))
    printed = np.pad(code, ((4 * _DRAWN_PX, 14 * _DRAWN_PX), (0, 0)), constant_values=_PAPER)
    place = (QUIET_LEFT * _DRAWN_PX, (HEIGHT_MODULES + 14) * _DRAWN_PX)
    cv2.putText(printed, digits, place, cv2.FONT_HERSHEY_SIMPLEX, 2.0, _INK, 4)
    return printed


def take_photo(
    books: Sequence[tuple[str, Shot]],
    *,
    size: tuple[int, int] = (1600, 1200),
    noise: float = 6.0,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Return a picture, (height, width, 3) uint8 BGR, of barcodes in front of blotches.

    Args:
        books: Digits and how they are seen; where they overlap the later one lies above.
        size: Width and height, in pixels.
        noise: Its standard deviation, in steps of 255.
        seed: Another one gives another background and other noise.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    blotches = rng.integers(50, 210, (12, 16, 3)).astype(np.uint8)
    scene = cv2.resize(blotches, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    for digits, shot in books:
        scene = _lay(scene, draw_barcode(digits), shot)
    return np.clip(scene + rng.normal(0, noise, (height, width, 1)), 0, 255).astype(np.uint8)


def _lay(scene: NDArray[np.float32], code: NDArray[np.uint8], shot: Shot) -> NDArray[np.float32]:
    """Return the scene with a barcode laid on it, drawn at twice the size so that its edges are smooth."""
    height, width = scene.shape[:2]
    place = np.diag([2.0, 2.0, 1.0]) @ _place(code.shape, (width, height), shot)
    twice = (2 * width, 2 * height)
    ink = cv2.resize(cv2.warpPerspective(code, place, twice), (width, height), interpolation=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.full_like(code, 255), place, twice)
    share = cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA)
    if sigma := shot.blur_modules * shot.module_px:
        ink, share = cv2.GaussianBlur(ink, (0, 0), sigma), cv2.GaussianBlur(share, (0, 0), sigma)
    share = share[..., None] / np.float32(255)
    return np.asarray(scene * (1 - share) + ink[..., None], np.float32)


def _place(code: tuple[int, ...], size: tuple[int, int], shot: Shot) -> NDArray[np.float64]:
    """Return the (3, 3) matrix from the printed barcode to the picture, both in pixels."""
    scale = shot.module_px / _DRAWN_PX
    turn = np.deg2rad(shot.angle)
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    centred = np.array([[1, 0, -code[1] / 2], [0, 1, -code[0] / 2], [0, 0, 1]])
    tilted = np.array([[1, 0, 0], [0, 1, 0], [shot.tilt / code[1], 0, 1]])
    turned = np.array([[cos, sin, size[0] * shot.at[0]], [-sin, cos, size[1] * shot.at[1]], [0, 0, 1]])
    return np.asarray(turned @ tilted @ centred)

"""A box in pixels, how it comes from and goes to fractions exactly, and what is wrong with one.

Pixels are the neutral measure, with nine decimals: a fraction of up to eight decimals times a side of up to
65,535 pixels is then a decimal number that is kept whole. A fraction is written with fifteen decimals, whose
error times that side is below half of the ninth decimal. So both ways are exact, and
tests/hub/dataset/test_box.py tries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

PIXEL_DECIMALS = 9
FRACTION_DECIMALS = 15
TOLERANCE = 2e-6  # of the side: what six decimals in a YOLO file may reach over the edge by rounding
FARTHEST = 1e6

Effect = Literal["mended", "left out"]
Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width and height in pixels, from the picture's top left corner at 0."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def from_corners(cls, xmin: float, ymin: float, xmax: float, ymax: float) -> Box:
        """Return the box between two corners in pixels."""
        return cls(*(round(value, PIXEL_DECIMALS) for value in (xmin, ymin, xmax - xmin, ymax - ymin)))

    @property
    def corners(self) -> Corners:
        """The corners xmin, ymin, xmax, ymax in pixels."""
        right, bottom = self.left + self.width, self.top + self.height
        return self.left, self.top, round(right, PIXEL_DECIMALS), round(bottom, PIXEL_DECIMALS)

    def in_whole_pixels(self) -> tuple[int, int, int, int]:
        """Return left, top, width, height; edges are rounded, and no side becomes shorter than a pixel."""
        xmin, ymin, xmax, ymax = (round(value) for value in self.corners)
        return xmin, ymin, max(1, xmax - xmin), max(1, ymax - ymin)

    def as_fractions(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return the centre's x and y, width and height, as fractions of the picture's sides."""
        middle = (self.left + self.width / 2) / width, (self.top + self.height / 2) / height
        sides = self.width / width, self.height / height
        x, y, w, h = (round(value, FRACTION_DECIMALS) for value in (*middle, *sides))
        return x, y, w, h


def corners_of_fractions(
    middle: tuple[float, float], sides: tuple[float, float], size: tuple[int, int]
) -> Corners:
    """Return the corners in pixels of a box given by fractions: its centre and its sides."""
    (x, y), (w, h), (width, height) = middle, sides, size
    return (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a box, and what is done about it."""

    code: str
    said: str
    effect: Effect


def judge(corners: Corners, size: tuple[int, int]) -> tuple[Box | None, Fault | None]:
    """Return the box as it can be used, if it can be, and what was wrong with it.

    Corners that are swapped are put in order; what reaches over the edge is cut off. A box of no area, one
    wholly outside and one that is no number are left out.
    """
    said = " ".join(f"{value:.10g}" for value in corners)
    if not all(isfinite(value) and abs(value) <= FARTHEST for value in corners):
        return None, Fault("box_not_a_number", f"corners {said}", "left out")
    xmin, ymin, xmax, ymax = corners
    fault = None
    if xmax < xmin or ymax < ymin:
        fault = Fault("box_swapped", f"corners {said}: the second lies left of or above the first", "mended")
        xmin, xmax, ymin, ymax = min(xmin, xmax), max(xmin, xmax), min(ymin, ymax), max(ymin, ymax)
    box = Box.from_corners(xmin, ymin, xmax, ymax)
    if box.width == 0 or box.height == 0:
        return None, Fault("box_empty", f"corners {said}: no area", "left out")
    return _cut(box, size, said, fault)


def _cut(box: Box, size: tuple[int, int], said: str, fault: Fault | None) -> tuple[Box | None, Fault | None]:
    width, height = size
    xmin, ymin, xmax, ymax = box.corners
    over = max(-xmin / width, xmax / width - 1, -ymin / height, ymax / height - 1)
    if over <= TOLERANCE:
        return box, fault
    outside = f"corners {said} in a picture of {width} x {height}"
    cut = Box.from_corners(max(xmin, 0), max(ymin, 0), min(xmax, width), min(ymax, height))
    if cut.width <= 0 or cut.height <= 0:
        return None, Fault("box_outside", f"{outside}: wholly outside", "left out")
    return cut, Fault("box_outside", outside, "mended")


def tidy(value: float) -> float | int:
    """Return a number as people write it: without decimals where it has none."""
    return int(value) if value == int(value) else value

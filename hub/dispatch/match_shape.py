"""Where in the frame a detection is, and how large: the `box` and `zones` settings of a match."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from hub.event import Box, Fraction, Plain

NO_AREA = 1e-9
ON_EDGE = 1e-9
ZonePoint = Literal["center", "bottom"]
Point = tuple[Fraction, Fraction]
SIDES = ("area", "width", "height")


def _check_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    doubled = sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise((*points, points[0])))
    if abs(doubled) < NO_AREA:
        raise ValueError("has no area; give its corners in order, as [x, y] in fractions of the frame")
    return points


Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=100), AfterValidator(_check_polygon)]
"""The corners of a zone in order, each (x, y) in fractions of the frame from its top left."""


class BoxSize(Plain):
    """How large a box must be, in fractions of the frame (`area` 0.01 is a hundredth of the picture)."""

    min_area: Fraction = 0.0
    max_area: Fraction = 1.0
    min_width: Fraction = 0.0
    max_width: Fraction = 1.0
    min_height: Fraction = 0.0
    max_height: Fraction = 1.0

    @model_validator(mode="after")
    def _can_be_met(self) -> BoxSize:
        for side in SIDES:
            least, most = self.span(side)
            if least > most:
                raise ValueError(f"min_{side} {least:g} is above max_{side} {most:g}: no box fits")
        return self

    def span(self, side: str) -> tuple[float, float]:
        """Return how small and how large one of SIDES may be."""
        return getattr(self, f"min_{side}"), getattr(self, f"max_{side}")

    def fits(self, box: Box) -> bool:
        """Whether a box is neither too small nor too large; measured inside the frame."""
        area, width, height = measure(box)
        return (
            self.min_width <= width <= self.max_width
            and self.min_height <= height <= self.max_height
            and self.min_area <= area <= self.max_area
        )

    def misfit(self, box: Box) -> str | None:
        """Return in what a box is too small or too large, or None when it fits; measured inside the frame."""
        for side, value in zip(SIDES, measure(box), strict=True):
            least, most = self.span(side)
            if value < least:
                return f"{side} {value:.4g} is below {least:g}"
            if value > most:
                return f"{side} {value:.4g} is above {most:g}"
        return None


def measure(box: Box) -> tuple[float, float, float]:
    """Return area, width and height of what of a box is inside the frame, as SIDES has them."""
    width, height = _inside(box.left, box.width), _inside(box.top, box.height)
    return width * height, width, height


def _inside(start: float, length: float) -> float:
    return max(0.0, min(1.0, start + length) - max(0.0, start))


def point_of(box: Box, where: ZonePoint) -> Point:
    """Return the point of a box that must lie in a zone: its centre, or the middle of its lower edge."""
    down = box.height / 2 if where == "center" else box.height
    x, y = box.left + box.width / 2, box.top + down
    return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))


def compile_zone(polygon: tuple[Point, ...]) -> Callable[[Point], bool]:
    """Return a function that tells whether a point is in a polygon; quick where it is far from it."""
    xs, ys = zip(*polygon, strict=True)
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)

    def holds(point: Point) -> bool:
        x, y = point
        return left <= x <= right and top <= y <= bottom and is_in(point, polygon)

    return holds


def is_in(point: Point, polygon: tuple[Point, ...]) -> bool:
    """Whether a point lies in a polygon or on its edge (even-odd rule)."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in pairwise((*polygon, polygon[0])):
        if _is_on_edge(x, y, ax, ay, bx, by):
            return True
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def _is_on_edge(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> bool:
    beside = abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) > ON_EDGE
    return not beside and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by)

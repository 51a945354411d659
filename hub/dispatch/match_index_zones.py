"""Finds the matches in whose zones a point lies, at a cost that hardly grows with their number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from hub.dispatch.match import Match
from hub.dispatch.match_shape import Point, Polygon, is_in

STEP = 8
LEVELS = 2
FINEST = STEP**LEVELS
KNOWN_CELLS = 5000
MARGIN = 1e-4  # `is_in` counts points as on an edge that are sqrt(1e-9) = 3e-5 beside it at most
_Edge = tuple[Point, Point]


class Cell(NamedTuple):
    """A square of the frame.

    Attributes:
        inside: The mask of those all of whose points in it are wanted.
        cut: The mask of those that want some of its points, perhaps.
        edges: By number of those that are cut, the edges that do so.
    """

    inside: int
    cut: int
    edges: Mapping[int, list[_Edge]]


class ZoneGrid:
    """Squares of the frame, learnt when a point first lies in one, and bounded in number.

    A large square is learnt first; its parts ask only the edges that cut it.

    Args:
        matches: Those with zones or ignored zones, by number.
    """

    def __init__(self, matches: Mapping[int, Match]) -> None:
        self._matches = matches
        self._whole = _cell_of(0, {number: _edges_of(match) for number, match in matches.items()})
        self._find_cell = lru_cache(KNOWN_CELLS)(self._learn)

    def find(self, point: Point) -> Cell:
        """Return the cell that a point in the frame lies in."""
        x, y = point
        return self._find_cell(LEVELS, int(x * FINEST), int(y * FINEST))

    def _learn(self, level: int, column: int, row: int) -> Cell:
        if level == 0:
            return self._whole
        around = self._find_cell(level - 1, column // STEP, row // STEP)
        size = STEP**-level
        left, top = column * size, row * size
        low, high = (left - MARGIN, top - MARGIN), (left + size + MARGIN, top + size + MARGIN)
        cuts = {
            number: [edge for edge in edges if _is_cut(low, high, edge)]
            for number, edges in around.edges.items()
        }
        middle = left + size / 2, top + size / 2
        inside = (number for number, edges in cuts.items() if not edges and self._wants(number, middle))
        return _cell_of(
            around.inside | sum(1 << number for number in inside),
            {number: edges for number, edges in cuts.items() if edges},
        )

    def _wants(self, number: int, point: Point) -> bool:
        match = self._matches[number]
        zones, ignored = match.zones, match.ignore_zones or {}
        if zones is not None and not any(is_in(point, zone) for zone in zones.values()):
            return False
        return not any(is_in(point, zone) for zone in ignored.values())


def _cell_of(inside: int, edges: Mapping[int, list[_Edge]]) -> Cell:
    return Cell(inside, sum(1 << number for number in edges), edges)


def _edges_of(match: Match) -> list[_Edge]:
    polygons: list[Polygon] = [*(match.zones or {}).values(), *(match.ignore_zones or {}).values()]
    return [edge for polygon in polygons for edge in pairwise((*polygon, polygon[0]))]


def _is_cut(low: Point, high: Point, edge: _Edge) -> bool:
    """Whether an edge reaches into a rectangle: neither beside it, nor with all corners on one side."""
    (left, top), (right, bottom), ((ax, ay), (bx, by)) = low, high, edge
    if (ax < left and bx < left) or (ax > right and bx > right):
        return False
    if (ay < top and by < top) or (ay > bottom and by > bottom):
        return False
    across, down = bx - ax, by - ay
    sides = [across * (y - ay) - down * (x - ax) for x in (left, right) for y in (top, bottom)]
    return min(sides) <= 0 <= max(sides)

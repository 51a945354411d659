"""Sets of matches by number, as the bits of an integer: a hundred are narrowed down in one step."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable

from hub.dispatch.match import Match


def mask_of(matches: Iterable[Match], holds: Callable[[Match], object]) -> int:
    """Return the mask of the matches that something holds for."""
    return sum(1 << number for number, match in enumerate(matches) if holds(match))


def numbers_in(mask: int) -> list[int]:
    """Return the numbers of the matches in a mask."""
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


class Spans:
    """Finds among spans of numbers, one for each match, those that a number lies in, both ends included.

    Between two ends the answer is the same for every number, and is worked out beforehand.
    """

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        begins: dict[float, int] = defaultdict(int)
        ends: dict[float, int] = defaultdict(int)
        for number, (least, most) in enumerate(spans):
            begins[least] |= 1 << number
            ends[most] |= 1 << number
        self._edges = sorted({*begins, *ends})
        self._masks = [0]  # below all edges, then by turns at an edge and above it
        for edge in self._edges:
            at_edge = self._masks[-1] | begins.get(edge, 0)
            self._masks += at_edge, at_edge & ~ends.get(edge, 0)

    def find(self, value: float) -> int:
        """Return the mask of the spans that a number lies in."""
        return self._masks[bisect_left(self._edges, value) + bisect_right(self._edges, value)]

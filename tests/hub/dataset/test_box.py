"""A box in pixels and in fractions, and what is wrong with one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.dataset.box import Box, corners_of_fractions, judge

SIDE = st.integers(1, 65_535)
MILLIONTH = 10**6


@given(SIDE, st.data())
def test_box_in_whole_pixels_comes_back_exactly_from_fractions(side: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, side - 1))
    last = data.draw(st.integers(first + 1, side))
    box = Box.from_corners(first, first, last, last)
    x, y, width, height = box.as_fractions(side, side)
    assert judge(corners_of_fractions((x, y), (width, height), (side, side)), (side, side)) == (box, None)


@given(SIDE, st.integers(0, MILLIONTH), st.integers(1, MILLIONTH))
def test_fractions_of_six_decimals_come_back_exactly_from_pixels(side: int, middle: int, length: int) -> None:
    x, w = middle / MILLIONTH, length / MILLIONTH
    xmin, ymin, xmax, ymax = corners_of_fractions((x, x), (w, w), (side, side))
    assert Box.from_corners(xmin, ymin, xmax, ymax).as_fractions(side, side) == (x, x, w, w)


@pytest.mark.parametrize(
    ("corners", "expected", "code"),
    [
        ((1, 2, 3, 5), Box(1, 2, 2, 3), None),
        ((3, 5, 1, 2), Box(1, 2, 2, 3), "box_swapped"),
        ((3, 2, 1, 5), Box(1, 2, 2, 3), "box_swapped"),
        ((1, 2, 1, 5), None, "box_empty"),
        ((-5, 2, 3, 50), Box(0, 2, 3, 18), "box_outside"),
        ((11, 2, 13, 5), None, "box_outside"),
        ((math.nan, 2, 3, 5), None, "box_not_a_number"),
        ((0, 0, 1e300, 5), None, "box_not_a_number"),
        ((-0.00001, 0, 10, 20), Box(-0.00001, 0, 10.00001, 20), None),
    ],
)
def test_box_is_judged(
    corners: tuple[float, float, float, float], expected: Box | None, code: str | None
) -> None:
    box, fault = judge(corners, (10, 20))
    assert (box, fault and fault.code) == (expected, code)


def test_box_in_whole_pixels_keeps_a_pixel() -> None:
    assert Box(10.4, 5.0, 0.05, 2.0).in_whole_pixels() == (10, 5, 1, 2)

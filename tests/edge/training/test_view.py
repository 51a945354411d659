"""A flat card before a pinhole camera."""

from __future__ import annotations

import numpy as np
import pytest

from edge.training.view import SIDES_DEGREES, move, shift, turn_in_plane, view_card

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def test_view_changes_nothing_when_the_camera_is_straight_in_front():
    assert move(SQUARE, view_card(0, 90, distance=5)) == pytest.approx(SQUARE)


@pytest.mark.parametrize("side_degrees", SIDES_DEGREES)
def test_view_keeps_the_middle_where_it_is(side_degrees):
    assert move(np.zeros((1, 2)), view_card(45, side_degrees, distance=3)) == pytest.approx(0)


def test_view_narrows_the_card_by_the_cosine_when_the_camera_is_far_to_the_right():
    seen = move(SQUARE, view_card(60, 0, distance=1e6))
    assert np.ptp(seen, 0) == pytest.approx((1.0, 2.0), abs=1e-4)


@pytest.mark.parametrize(("side_degrees", "near"), [(0, [1, 2]), (90, [2, 3]), (180, [0, 3]), (270, [0, 1])])
def test_view_enlarges_the_edge_that_the_camera_is_near_to(side_degrees, near):
    seen = move(SQUARE, view_card(45, side_degrees, distance=4))
    lengths = {n: np.linalg.norm(seen[n] - seen[(n + 1) % 4]) for n in range(4)}
    edge = near[0] if near != [0, 3] else 3
    assert lengths[edge] == max(lengths.values())


def test_view_goes_together_with_turns_and_shifts():
    moved = move(np.array([[1.0, 0.0]]), shift(10, 20) @ turn_in_plane(90, 2))
    assert moved == pytest.approx(np.array([[10.0, 22.0]]))

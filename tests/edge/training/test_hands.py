"""Frames with hands, for the evaluation."""

from __future__ import annotations

import numpy as np

from edge.training.hands import LANES, draw_shot


def test_shot_is_the_same_when_the_seed_is():
    one, other = (draw_shot(np.random.default_rng(7), 30) for _ in range(2))
    assert np.array_equal(one.pixels, other.pixels)
    assert one.hands == other.hands


def test_shot_keeps_every_hand_within_its_lane():
    rng = np.random.default_rng(3)
    for _ in range(20):
        for lane, (_, box) in enumerate(draw_shot(rng, 45).hands):
            assert lane / LANES <= box.left <= box.left + box.width <= (lane + 1) / LANES
            assert 0 <= box.top <= box.top + box.height <= 1

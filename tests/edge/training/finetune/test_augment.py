"""Changed examples: their boxes go where the things go."""

from __future__ import annotations

import numpy as np
import pytest

from edge.training.finetune.augment import Changes, change
from edge.training.finetune.examples import Example

STILL = Changes(mirror=False, gain=0.0, noise=0.0)


def example(left, top, right, bottom):
    pixels = np.zeros((192, 192, 3), np.uint8)
    pixels[top:bottom, left:right] = 255
    return Example(pixels, np.array([[left, top, right, bottom]], np.float32), 0)


@pytest.mark.parametrize("mirror", [False, True])
def test_change_moves_boxes_with_what_they_are_around(mirror):
    rng = np.random.default_rng(1)
    for _ in range(20):
        made = change(rng, example(50, 40, 110, 120), Changes(mirror, turn_degrees=0, gain=0, noise=0))
        rows, columns = np.nonzero((made.pixels > 180).all(2))
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert made.boxes[0] == pytest.approx(seen, abs=2.5)


def test_change_is_the_same_when_the_seed_is():
    one, other = (change(np.random.default_rng(4), example(50, 40, 110, 120), Changes(True)) for _ in "12")
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.boxes, other.boxes)


def test_change_drops_boxes_of_which_less_than_half_is_left():
    far = Changes(mirror=False, scale=0, shift=0.5, turn_degrees=0, gain=0, noise=0)
    counts = [
        len(change(np.random.default_rng(seed), example(0, 0, 40, 40), far).boxes) for seed in range(60)
    ]
    assert set(counts) == {0, 1}


def test_change_keeps_boxes_within_the_input():
    for seed in range(30):
        boxes = change(np.random.default_rng(seed), example(0, 0, 192, 192), STILL).boxes
        assert boxes.min() >= 0
        assert boxes.max() <= 192

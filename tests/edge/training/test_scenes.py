"""Backgrounds that the text gate is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from edge.training.scenes import SCENES, SIDE, paint_scene


@pytest.mark.parametrize("paint", SCENES)
def test_scene_fills_the_picture_whatever_is_drawn(paint):
    for seed in range(8):
        scene = paint(np.random.default_rng(seed))
        assert (scene.shape, scene.dtype) == ((SIDE, SIDE, 3), np.uint8)


def test_scene_is_the_same_when_the_seed_is():
    one, other = (paint_scene(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, other)

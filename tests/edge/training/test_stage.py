"""Training pictures of cards."""

from __future__ import annotations

import numpy as np

from edge.training.stage import GLYPH_SIDE, SIDE, draw_card, grid, sample

STRIPES = np.zeros((GLYPH_SIDE, GLYPH_SIDE), np.uint8)
STRIPES[:, ::2] = 255
NOTHING = np.zeros_like(STRIPES)


def test_sample_gives_the_picture_back_when_every_place_is_its_own():
    assert np.array_equal(sample(STRIPES, grid(GLYPH_SIDE, GLYPH_SIDE)), STRIPES)


def test_sample_is_black_outside_the_picture():
    assert not sample(STRIPES, grid(8, 8) - 20).any()


def test_card_shows_the_glyph_on_it():
    blank = np.full_like(NOTHING, 255)
    for seed in range(20):
        shown, empty = (draw_card(np.random.default_rng(seed), glyph) for glyph in (blank, NOTHING))
        assert shown.shape == (SIDE, SIDE)
        assert (np.abs(shown.astype(int) - empty) > 8).mean() > 0.05

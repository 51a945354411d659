from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.draw.letterbox import BORDER_GREY, Letterbox
from hub.event import Box

SIDES = st.integers(min_value=16, max_value=4000)
FRACTIONS = st.floats(min_value=0, max_value=1)


@given(frame=st.tuples(SIDES, SIDES), side=SIDES, corner=st.tuples(FRACTIONS, FRACTIONS))
def test_letterbox_maps_a_box_to_the_input_and_back(frame, side, corner):
    fit = Letterbox.fit(*frame, side, side)
    box = Box(left=corner[0], top=corner[1], width=0.25, height=0.5)
    back = fit.to_frame(fit.to_input(box))
    assert list(back.model_dump().values()) == pytest.approx(list(box.model_dump().values()), abs=1e-9)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (480, 640), (192, 192), (100, 90), (1921, 1083)])
def test_letterbox_puts_pixels_where_it_maps_boxes(width, height):
    frame = np.zeros((height, width, 3), np.uint8)
    box = Box(left=0.25, top=0.5, width=0.25, height=0.25)
    xmin, ymin, xmax, ymax = (round(edge) for edge in box.corners_in(width, height))
    frame[ymin:ymax, xmin:xmax] = 255
    fit = Letterbox.fit(width, height, 192, 192)
    rows, columns = np.nonzero(fit.resize(frame).min(axis=2) > 200)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert found == pytest.approx(fit.to_input(box).corners_in(192, 192), abs=1.5)


@pytest.mark.parametrize("size", [(640, 480), (1366, 768), (1920, 1080)])
def test_letterbox_calms_noise_when_it_shrinks_a_frame(size):
    noise = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), np.uint8)
    fit = Letterbox.fit(*size, 192, 192)
    inner = fit.resize(noise)[fit.top : fit.top + fit.inner_height, fit.left : fit.left + fit.inner_width]
    averaged = cv2.resize(noise, (fit.inner_width, fit.inner_height), interpolation=cv2.INTER_AREA)
    assert inner.std() < 3 * averaged.std()


def test_letterbox_surrounds_a_wide_frame_with_grey_and_never_squashes_it():
    fit = Letterbox.fit(640, 360, 192, 192)
    resized = fit.resize(np.zeros((360, 640, 3), np.uint8))
    assert (fit.inner_width, fit.inner_height) == (192, 108)
    assert (resized[: fit.top] == BORDER_GREY).all()
    assert (resized[fit.top : fit.top + 108] == 0).all()

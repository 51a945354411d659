"""The picture of what each threshold would do."""

from __future__ import annotations

import cv2
import pytest

from hub.gate.curve import BOTTOM, FINE, LEFT, RIGHT, TOP, draw_curve, steps
from hub.gate.measures import Point


def test_threshold_between_two_scores_does_what_the_higher_one_does():
    assert steps([(0.5, 1.0), (1.0, 0.0)]) == [
        (LEFT * FINE, TOP * FINE),
        ((LEFT + RIGHT) / 2 * FINE, TOP * FINE),
        ((LEFT + RIGHT) / 2 * FINE, BOTTOM * FINE),
        (RIGHT * FINE, BOTTOM * FINE),
    ]


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_one_known_picture_gives_a_curve_too(tmp_path, threshold):
    path = tmp_path / "curve.png"
    draw_curve([Point(threshold=0.4, recall=0.5, precision=1, saved_share=0)], threshold, "Gate", path)

    picture = cv2.imread(str(path))
    assert picture.shape == (600, 960, 3)
    blue, _, red = picture[(TOP + BOTTOM) // 2, LEFT + 100].astype(int)  # the line of recall
    assert blue > red + 100

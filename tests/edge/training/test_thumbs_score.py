"""Average precision and its kin, on made-up detections; and what the shipped detector reaches."""

from __future__ import annotations

from collections import Counter

import pytest

from edge.config import DEFAULT_MODEL
from edge.training.hands import RAISED
from edge.training.thumbs_score import ThumbsScore, rank, score_thumbs
from hub.event import Box, Detection

BOX = Box(left=0.1, top=0.1, width=0.2, height=0.2)
BESIDE = Box(left=0.6, top=0.1, width=0.2, height=0.2)


def found(confidence: float, box: Box = BOX) -> Detection:
    return Detection(label="thumbs-up", confidence=confidence, box=box)


def score(*ranked: tuple[float, bool], thumbs: int) -> ThumbsScore:
    return ThumbsScore(ranked, thumbs, Counter(), Counter())


def test_rank_gives_a_box_to_the_surest_detection_once():
    assert rank([found(0.6), found(0.9), found(0.7, BESIDE)], [BOX]) == [
        (0.9, True),
        (0.7, False),
        (0.6, False),
    ]


def test_average_precision_is_the_area_under_the_monotonous_curve():
    curve = score((0.9, True), (0.8, False), (0.7, True), (0.6, True), thumbs=4)
    assert curve.average_precision == pytest.approx(0.25 * (1 + 0.75 + 0.75))


def test_precision_at_a_recall_is_what_it_costs_to_reach_it():
    curve = score((0.9, True), (0.8, False), (0.7, True), thumbs=2)
    assert (curve.precision_at(0.5), curve.precision_at(0.9)) == (1.0, pytest.approx(2 / 3))


def test_precision_at_a_recall_is_nothing_when_it_is_never_reached():
    assert score((0.9, True), thumbs=2).precision_at(0.9) == 0


def test_score_counts_only_what_is_sure_enough():
    assert score((0.9, True), (0.3, False), thumbs=2).at(0.5) == (1.0, 0.5)


@pytest.mark.parametrize("angle_degrees", [0, 30])
def test_detector_finds_thumbs_and_spares_raised_hands_at_an_angle(angle_degrees):
    seen = score_thumbs(DEFAULT_MODEL, angle_degrees, frames=60, seed=1)
    assert seen.average_precision >= 0.97
    assert seen.precision_at(0.9) >= 0.97
    assert seen.mistakes(RAISED) <= 0.05

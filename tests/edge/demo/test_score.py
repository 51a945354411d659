"""Scoring detections against the truth."""

from __future__ import annotations

import pytest

from edge.demo.score import intersect, score_frames, score_labels
from hub.event import Box, Detection


def box(left: float, width: float = 0.2) -> Box:
    return Box(left=left, top=0, width=width, height=1)


def found(left: float, confidence: float = 0.9) -> Detection:
    return Detection(label="x", confidence=confidence, box=box(left))


@pytest.mark.parametrize(("left", "overlap"), [(0, 1), (0.1, 1 / 3), (0.2, 0), (0.5, 0)])
def test_intersect_is_the_shared_part_of_the_union(left, overlap):
    assert intersect(box(0), box(left)) == pytest.approx(overlap)


def test_score_counts_hits_misses_and_extras():
    score = score_frames([([found(0), found(0.6)], [box(0)]), ([], [box(0.3)])])
    assert (score.precision, score.recall, score.mean_overlap) == (0.5, 0.5, 0.5)


def test_score_counts_a_box_once_when_it_is_found_twice():
    score = score_frames([([found(0.01, 0.5), found(0, 0.9)], [box(0)])])
    assert (score.found, score.matched, score.overlap) == (2, 1, 1)


def test_score_is_perfect_when_there_is_nothing_to_find():
    assert (score_frames([]).precision, score_frames([]).recall) == (1, 1)


def named(label: str, confidence: float = 0.9) -> Detection:
    return Detection(label=label, confidence=confidence)


def test_label_score_takes_the_surest_label_and_counts_silence():
    frames = [((named("い", 0.8), named("あ")), "あ"), ((named("う"),), None), ((), None), ((), "え")]
    score = score_labels(frames)
    assert (score.accuracy, score.precision) == (0.5, 0.5)

"""Which boxes are of the same thing."""

from __future__ import annotations

import pytest

from hub.event import Box, Detection
from hub.review.geometry import measure_overlap, pair_up


def make(label="cup", left=0.0, top=0.0, width=0.5, height=0.5):
    return Detection(label=label, confidence=1, box=Box(left=left, top=top, width=width, height=height))


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        ({}, 1.0),
        ({"left": 0.25}, 1 / 3),
        ({"left": 0.5}, 0.0),
        ({"width": 0.25}, 0.5),
        ({"left": 0.9, "top": 0.9}, 0.0),
    ],
)
def test_overlap_is_the_shared_area_by_the_area_of_both(other, overlap):
    assert measure_overlap(make().box, make(**other).box) == pytest.approx(overlap)


def test_overlap_of_the_same_box_without_area_is_whole():
    flat = make(width=0.0).box

    assert measure_overlap(flat, flat) == 1.0


def test_each_box_is_paired_once_and_with_the_one_that_overlaps_most():
    one, other = [make(), make(left=0.05)], [make(left=0.05), make("dog", left=0.45, top=0.45)]
    pairs = pair_up(one, other, 0.5)

    assert [(pair.one, pair.other) for pair in pairs] == [
        (one[1], other[0]),
        (one[0], None),
        (None, other[1]),
    ]
    assert [pair.is_same for pair in pairs] == [True, False, False]


def test_what_has_no_box_is_paired_by_its_label():
    whole = Detection(label="indoors", confidence=0.5)
    sure = whole.model_copy(update={"confidence": 1.0})

    assert [pair.is_same for pair in pair_up([whole, make("indoors")], [sure], 0.5)] == [True, False]

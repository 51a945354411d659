"""Agreement of two models: 1 for the same, less for other confidences, places and labels."""

from __future__ import annotations

from typing import Any

import pytest

from edge.agreement import measure_agreement
from hub.event import Box, Detection


def see(number: int, confidence: float, left: float | None = None, **attributes: Any) -> Detection:
    box = None if left is None else Box(left=left, top=0, width=0.5, height=0.5)
    return Detection(label="x", class_id=number, confidence=confidence, box=box, attributes=attributes)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ((), (), 1),
        ((see(0, 0.9),), (), 0),
        ((see(0, 0.7), see(1, 0.3)), (see(0, 0.7), see(1, 0.3)), 1),
        ((see(0, 0.7), see(1, 0.3)), (see(1, 0.4), see(0, 0.6)), 0.9),
        ((see(0, 0.8, 0.0),), (see(0, 0.8, 0.1),), 1),
        ((see(0, 0.8, 0.0),), (see(0, 0.8, 0.4),), 0),
        ((see(0, 0.8, 0.0), see(0, 0.8, 0.1)), (see(0, 0.8, 0.1),), 2 / 3),
        ((see(0, 0.8, 0.0),), (see(1, 0.8, 0.0),), 0),
        ((see(0, 1, area=0.6), see(1, 1, area=0.4)), (see(0, 1, area=0.5), see(1, 1, area=0.5)), 0.9),
    ],
)
def test_agreement_is_the_share_of_what_both_see(one, other, wanted):
    assert measure_agreement([(one, other)]) == pytest.approx(wanted)


def test_agreement_counts_every_picture_by_what_is_on_it():
    same, lost = ((see(0, 0.9),), (see(0, 0.9),)), ((see(0, 0.1),), ())
    assert measure_agreement([same, lost]) == pytest.approx(1.8 / 1.9)

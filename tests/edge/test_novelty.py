"""The capture rules: which findings become events."""

from __future__ import annotations

import pytest

from edge.config import CaptureTable
from edge.novelty import Novelty, overlap
from hub.event import Box, Detection


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def thumb(left: float = 0.1, label: str = "thumbs-up") -> Detection:
    return Detection(label=label, confidence=0.9, box=Box(left=left, top=0.1, width=0.2, height=0.4))


def count_minute(novelty: Novelty, clock: Clock, *detections: Detection) -> int:
    """Show the same for a minute, ten frames a second, and return how many became events."""
    told = 0
    for _ in range(600):
        told += novelty.admit(detections)
        clock.now += 0.1
    return told


def test_novelty_admits_every_finding_by_default(clock):
    assert count_minute(Novelty(CaptureTable(), clock), clock, thumb()) == 600


def test_novelty_admits_one_finding_an_interval_when_there_is_one(clock):
    assert count_minute(Novelty(CaptureTable(min_interval_s=5), clock), clock, thumb()) in {12, 13}


def test_novelty_admits_one_finding_when_a_hand_is_held_up_for_a_minute(clock):
    assert count_minute(Novelty(CaptureTable(new_object=True), clock), clock, thumb()) == 1


def test_novelty_admits_the_same_again_when_it_was_away_for_long(clock):
    novelty = Novelty(CaptureTable(new_object=True, forget_s=10), clock)
    assert novelty.admit((thumb(),))
    clock.now += 9
    assert not novelty.admit((thumb(),))
    clock.now += 11
    assert novelty.admit((thumb(),))


@pytest.mark.parametrize("other", [thumb(left=0.5), thumb(label="wave")])
def test_novelty_admits_what_moved_or_is_another_label(clock, other):
    novelty = Novelty(CaptureTable(new_object=True), clock)
    novelty.admit((thumb(),))
    assert novelty.admit((thumb(), other))
    assert not novelty.admit((thumb(), other))


def test_novelty_admits_what_creeps_away_when_it_left_the_place_it_was_told_at(clock):
    novelty = Novelty(CaptureTable(new_object=True, same_iou=0.5), clock)
    told = [step for step in range(20) if novelty.admit((thumb(left=0.1 + step / 100),))]
    assert told == [0, 7, 14]


def test_novelty_still_admits_what_was_new_within_the_interval_after_it(clock):
    novelty = Novelty(CaptureTable(new_object=True, min_interval_s=5), clock)
    novelty.admit((thumb(),))
    clock.now += 1
    assert not novelty.admit((thumb(), thumb(label="wave")))
    clock.now += 5
    assert novelty.admit((thumb(), thumb(label="wave")))


@pytest.mark.parametrize(("left", "expected"), [(0.1, 1.0), (0.2, 1 / 3), (0.9, 0.0)])
def test_overlap_is_the_intersection_over_the_union(left, expected):
    boxes = thumb().box, thumb(left=left).box
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert overlap(*boxes) == pytest.approx(expected)

"""What a replay leaves out, and the pace it keeps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.dispatch.replay import Pace, Past
from hub.event import Detection, Event
from hub.store.replays import LivePast

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(number, label="thumbs-up"):
    seen = (Detection(label=label, confidence=0.9),)
    return Event(id=number, source="edge", device="porch", captured_at=NOW, received_at=NOW, detections=seen)


@pytest.fixture
def past():
    """An instance that began after event 3 and took everything, from event 6 on only dogs."""
    return Past(LivePast(3, 9, ((4, {}), (6, {"labels": ["dog"]}))))


def test_past_knows_what_simply_succeeded(past):
    assert [past.has_had(event(number), {}) for number in (3, 4, 5)] == [False, True, True]


def test_past_asks_the_match_that_held_then(past):
    assert [past.has_had(event(7, label), {}) for label in ("dog", "cat")] == [True, False]


@pytest.mark.parametrize(
    ("outcome", "had"),
    [("done", True), ("retrying", True), ("running", True), ("parked", True), ("unknown", True),
     ("dead", False), ("skipped", False)],
)  # fmt: skip
def test_past_tells_by_the_row_where_there_is_one(past, outcome, had):
    assert past.has_had(event(5), {5: [("", outcome)]}) is had


def test_past_counts_what_another_replay_delivered(past):
    assert past.has_had(event(5), {5: [("", "dead"), ("1", "done")]})


def test_pace_lets_through_as_many_a_second_as_it_may():
    now = [0.0]
    pace = Pace(10, lambda: now[0])
    passed = 0
    for _ in range(100):
        while pace.is_open():
            pace.take()
            passed += 1
        now[0] += 0.1

    assert 99 <= passed <= 102


def test_pace_saves_nothing_up():
    now = [0.0]
    pace = Pace(10, lambda: now[0])
    now[0] = 1000.0
    burst = 0
    while pace.is_open():
        pace.take()
        burst += 1

    assert burst == 2

"""What of the wanted is news: objects that are new, labels that were not let through lately."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.dispatch.match import Match
from hub.dispatch.match_memory import MatchMemory
from hub.event import Detection, Event


@pytest.fixture
def at(arrivals):
    """A function that makes the next event, some seconds after noon."""
    number = 0

    def make(second, device="porch", label="dog", ahead_s=0, **members):
        nonlocal number
        number += 1
        new = arrivals.event(device, label, **members)
        received_at = new.captured_at + timedelta(seconds=second)
        new = new.model_copy(update={"captured_at": received_at + timedelta(seconds=ahead_s)})
        return Event.from_new(new, number, received_at)

    return make


def passing(memory, events):
    return [event.id for event in events if memory.take(event) is not None]


def test_memory_lets_an_object_through_that_was_not_seen_for_so_long(at):
    memory = MatchMemory(Match(new_after_s=30))

    assert passing(memory, [at(0), at(20), at(40), at(69), at(100), at(101)]) == [1, 5]


def test_memory_keeps_devices_cameras_and_labels_apart(at):
    memory = MatchMemory(Match(new_after_s=30))
    events = [at(0), at(1, "attic"), at(2, label="cat"), at(3, attributes={"camera": "door"}), at(4)]

    assert passing(memory, events) == [1, 2, 3, 4]


def test_memory_tells_tracked_objects_of_one_label_apart(at):
    memory = MatchMemory(Match(new_after_s=30))
    tracks = [(Detection(label="dog", confidence=0.9, track=track),) for track in ("a", "b", "a")]

    assert passing(memory, [at(n, detections=found) for n, found in enumerate(tracks)]) == [1, 2]


def test_memory_lets_a_label_through_once_within_a_time_however_often_it_is_seen(at):
    memory = MatchMemory(Match(once_within_s=60))

    assert passing(memory, [at(n * 10) for n in range(15)]) == [1, 7, 13]


def test_memory_marks_only_what_was_let_through(at):
    memory = MatchMemory(Match(labels=["dog", "cat"], once_within_s=60))
    both = (Detection(label="dog", confidence=0.9), Detection(label="cat", confidence=0.9))
    memory.take(at(0))

    assert [mark.key for mark in memory.take(at(1, detections=both))] == ["match/2/cat"]


def test_memory_is_not_held_by_a_clock_that_runs_ahead(at):
    memory = MatchMemory(Match(once_within_s=60, new_after_s=60))

    assert passing(memory, [at(0, ahead_s=1e8), at(100), at(200)]) == [1, 2, 3]


def test_memory_goes_on_where_another_ended(at):
    match = Match(once_within_s=60, new_after_s=10)
    first = at(0)
    marks = MatchMemory(match).take(first)
    memory = MatchMemory(match)
    memory.load([first], marks)

    assert passing(memory, [at(5), at(30), at(61)]) == [4]


def test_memory_stays_small_among_ever_new_labels(at):
    memory = MatchMemory(Match(once_within_s=60, new_after_s=60))
    for number in range(25_000):
        memory.take(at(0, label=f"text {number}"))

    assert len(memory._passed) <= 20_000
    assert len(memory._seen) <= 20_000

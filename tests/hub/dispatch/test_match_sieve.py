"""The sieve finds for every instance exactly what its match wants, at a cost that hardly grows with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.match import Match
from hub.dispatch.match_sieve import LANE_EVENTS, Lane, Sieve
from hub.event import Detection, Event
from hub.store.tail import Tail

LABELS = st.sampled_from(["dog", "cat", "person"])
DEVICES = st.sampled_from(["porch", "attic"])
SHARES = st.sampled_from([0.0, 0.3, 0.5, 0.9])
DETECTIONS = st.lists(st.builds(Detection, label=LABELS, confidence=SHARES), max_size=3)
MATCHES = st.builds(
    Match,
    labels=st.none() | st.sets(st.sampled_from(["dog", "cat", "c*"])),
    devices=st.none() | st.sets(DEVICES),
    cameras=st.none() | st.just(frozenset({"door"})),
    min_confidence=SHARES,
    min_confidence_per_label=st.dictionaries(LABELS, SHARES, max_size=1),
    min_count=st.none() | st.just(2),
)


def lanes_of(sieve, *matches):
    lanes = [Lane(match, lambda: None, lambda: 0) for match in matches]
    for lane in lanes:
        sieve.add(lane)
        assert sieve.join(lane, sieve.scanned)
    return lanes


@pytest.fixture
def stored(arrivals):
    """A function that makes stored events with ids from 1 on."""

    def make(*news):
        return [Event.from_new(new, number, new.captured_at) for number, new in enumerate(news, 1)]

    return make


@given(
    matches=st.lists(MATCHES, max_size=4),
    seen=st.lists(st.tuples(DEVICES, st.none() | st.just("door"), DETECTIONS), max_size=6),
)
def test_sieve_finds_what_every_match_by_itself_would_take(arrivals, matches, seen):
    events = [
        Event.from_new(
            arrivals.event(device, detections=found, attributes={"camera": camera}),
            number,
            arrivals.event().captured_at,
        )
        for number, (device, camera, found) in enumerate(seen, 1)
    ]
    tail = Tail(0)
    lanes = lanes_of(Sieve(tail), *matches)
    tail.extend(events)

    assert [list(lane.events) for lane in lanes] == [
        [event for event in events if match.refusal(event) is None] for match in matches
    ]


def test_sieve_leaves_alone_who_has_not_caught_up(arrivals, stored):
    tail = Tail(0)
    sieve = Sieve(tail)
    behind = Lane(Match(), lambda: None, lambda: 0)
    sieve.add(behind)
    tail.extend(stored(arrivals.event()))

    assert not sieve.join(behind, 0)
    assert sieve.join(behind, 1)
    assert not behind.events


def test_sieve_sends_back_to_the_log_who_takes_nothing(arrivals, stored):
    tail = Tail(0)
    (lane,) = lanes_of(Sieve(tail), Match())
    tail.extend(stored(*[arrivals.event()] * (LANE_EVENTS + 1)))

    assert not lane.live
    assert not lane.events


def test_sieve_wakes_only_those_for_whom_there_is_something(arrivals, stored):
    tail, woken = Tail(0), []
    sieve = Sieve(tail)
    for label in ("dog", "thumbs-up"):
        lane = Lane(Match(labels=[label]), lambda label=label: woken.append(label), lambda: 0)
        sieve.add(lane)
        sieve.join(lane, 0)
    tail.extend(stored(arrivals.event()))

    assert woken == ["thumbs-up"]


def test_sieve_forgets_a_lane_that_was_removed(arrivals, stored):
    tail = Tail(0)
    sieve = Sieve(tail)
    (lane,) = lanes_of(sieve, Match())
    sieve.remove(lane)
    tail.extend(stored(arrivals.event()))

    assert not lane.events


def test_sieve_finds_events_for_a_lane_that_was_added_after_others(arrivals, stored):
    tail = Tail(0)
    sieve = Sieve(tail)
    (first,) = lanes_of(sieve, Match())
    one, two = stored(arrivals.event(), arrivals.event())
    tail.extend([one])
    (later,) = lanes_of(sieve, Match(labels=["thumbs-*"]))
    tail.extend([two])

    assert list(first.events) == [one, two]
    assert list(later.events) == [two]

"""The index says of all matches at once what each of them says by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.dispatch.match import Match
from hub.dispatch.match_index import MatchIndex
from hub.dispatch.match_masks import numbers_in
from hub.event import Box, Detection, Event

SATURDAY = datetime(2026, 11, 21, tzinfo=UTC)
LABELS = st.sampled_from(["dog", "cat", "person"])
DEVICES = st.sampled_from(["porch", "attic"])
SHARES = st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0]) | st.floats(0, 1)
CORNERS = st.tuples(*[st.sampled_from([step / 8 for step in range(9)]) | st.floats(0, 1)] * 2)
NUDGES = st.sampled_from([0.0, 0.0, 1e-10, -1e-10, 1e-5, -1e-5])
COORDINATES = st.builds(lambda step, by: step / 8 + by, st.integers(-4, 12), NUDGES) | st.floats(-0.5, 1.5)
EXTENTS = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 3)
BOXES = st.builds(Box, left=COORDINATES, top=COORDINATES, width=EXTENTS, height=EXTENTS)
DETECTIONS = st.lists(
    st.builds(Detection, label=LABELS, confidence=SHARES, box=st.none() | BOXES), max_size=4
)
ZONES = st.dictionaries(
    st.sampled_from("ab"), st.lists(CORNERS, min_size=3, max_size=6), min_size=1, max_size=2
)
SCHEDULES = st.fixed_dictionaries(
    {
        "weekdays": st.sampled_from([["sat"], ["sun"], ["mon-fri"], ["mon-sun"]]),
        "hours": st.sampled_from([["00:00-24:00"], ["08:00-09:00"], ["22:00-07:00"]]),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
    }
)
LIMITS = st.dictionaries(
    st.sampled_from(["min_area", "max_area", "min_width", "max_width", "min_height", "max_height"]),
    SHARES,
    max_size=3,
)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.sets(st.sampled_from(["dog", "cat", "c*", "bird"])),
        "devices": st.sets(DEVICES),
        "cameras": st.just({"door"}),
        "sources": st.just({"mqtt"}),
        "min_confidence": SHARES,
        "min_confidence_per_label": st.dictionaries(LABELS, SHARES, max_size=2),
        "box": LIMITS,
        "zones": ZONES,
        "ignore_zones": ZONES,
        "zone_point": st.sampled_from(["center", "bottom"]),
        "min_count": st.integers(1, 3),
        "max_count": st.integers(1, 3),
        "schedule": SCHEDULES,
        "new_after_s": st.just(60),
    },
)
SEEN = st.tuples(
    DEVICES,
    st.sampled_from([None, "door"]),
    st.integers(-1, 3 * 24 * 60).map(lambda minutes: SATURDAY + timedelta(minutes=minutes, seconds=30)),
    DETECTIONS,
)


def match_or_none(table):
    try:
        return Match(**table)
    except ValidationError:  # no area, least above most
        return None


MATCHES = TABLES.map(match_or_none).filter(lambda match: match is not None)


def stored(device="porch", camera=None, at=SATURDAY, detections=()):
    return Event(
        id=1,
        source="mqtt",
        device=device,
        captured_at=at,
        received_at=SATURDAY,
        detections=detections,
        attributes={"camera": camera},
    )


def numbers_of(matches, event):
    return [number for number, match in enumerate(matches) if match.refusal(event) is None]


@given(matches=st.lists(MATCHES, max_size=8), seen=st.lists(SEEN, min_size=1, max_size=4))
def test_index_finds_what_every_match_by_itself_wants(matches, seen):
    index = MatchIndex(matches)

    for event in (stored(*what) for what in seen):
        assert numbers_in(index.find(event)) == numbers_of(matches, event)


@given(zones=st.lists(ZONES, min_size=1, max_size=4), boxes=st.lists(BOXES, min_size=1, max_size=20))
def test_index_finds_the_zones_that_every_match_by_itself_finds(zones, boxes):
    tables = [{name: of} for of in zones for name in ("zones", "ignore_zones")]
    matches = [match for match in map(match_or_none, tables) if match]
    index = MatchIndex(matches)

    for box in boxes:
        event = stored(detections=(Detection(label="dog", confidence=1, box=box),))
        assert numbers_in(index.find(event)) == numbers_of(matches, event)


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_index_takes_the_first_and_last_moment_of_the_calendar_as_outside_of_any_schedule(at):
    matches = [Match(), Match(schedule={"timezone": "Europe/Berlin"})]

    assert MatchIndex(matches).find(stored(at=at)) == 0b01

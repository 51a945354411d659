"""Which events a match lets through, and why not the others."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.dispatch.match import Match
from hub.event import Box, Detection


@pytest.mark.parametrize(
    ("match", "refusal"),
    [
        ({}, None),
        ({"labels": ["thumbs-up"]}, None),
        ({"labels": ["dog", "thumbs-up"]}, None),
        ({"labels": ["dog", "cat"]}, "no detection is labelled cat or dog"),
        ({"devices": ["porch"]}, None),
        ({"devices": ["attic"]}, "device porch is not one of attic"),
        ({"cameras": ["door"]}, "an event without a camera's name is not one of door"),
        ({"sources": ["edge"]}, None),
        ({"sources": ["deeplens"]}, "source edge is not one of deeplens"),
        ({"min_confidence": 0.9}, None),
        ({"min_confidence": 0.91}, "confidence 0.9 is below 0.91"),
        ({"labels": []}, "no detection is labelled "),
        ({"labels": ["thumbs-up"], "devices": ["porch"], "sources": ["edge"], "min_confidence": 0.5}, None),
        (
            {"labels": ["thumbs-up"], "devices": ["attic"], "min_confidence": 0.5},
            "device porch is not one of attic",
        ),
    ],
)
def test_match_lets_through_or_says_why_not(arrivals, match, refusal):
    assert Match(**match).refusal(arrivals.event()) == refusal


def test_match_asks_for_the_camera_that_saw_it(arrivals):
    event = arrivals.event(attributes={"camera": "door"})

    assert Match(cameras=["door", "yard"]).refusal(event) is None
    assert Match(cameras=["yard"]).refusal(event) == "camera door is not one of yard"


@pytest.mark.parametrize("camera", [5, "", None, ["door"], "x" * 201])
def test_match_takes_only_a_text_for_a_cameras_name(arrivals, camera):
    event = arrivals.event(attributes={"camera": camera})

    assert Match(cameras=["door"]).refusal(event) == "an event without a camera's name is not one of door"


def test_match_asks_label_and_confidence_of_the_same_detection(arrivals):
    both = (Detection(label="dog", confidence=0.95), Detection(label="cat", confidence=0.3))
    match = Match(labels=["cat"], min_confidence=0.9)

    assert match.refusal(arrivals.event(detections=both)) == "confidence 0.3 is below 0.9"


def test_match_takes_an_event_without_detections_only_when_it_asks_for_none(arrivals):
    nothing = arrivals.event(detections=())

    assert Match().refusal(nothing) is None
    assert Match(min_confidence=0.1).refusal(nothing) == "no detections"
    assert Match(labels=["a"]).refusal(nothing) == "no detection is labelled a"


@pytest.mark.parametrize(
    ("names", "name", "fits"),
    [
        (["thumbs-*"], "thumbs-up", True),
        (["thumbs-*"], "Thumbs-up", False),
        (["thumb?-up"], "thumbs-up", True),
        (["*up", "dog"], "dog", True),
        (["thumbs"], "thumbs-up", False),
        (["[dt]humbs*"], "thumbs-up", False),
        (["[x]*"], "[x] marked", True),
        (["*a*a*a*a*a*a*a*a*b"], "a" * 200, False),
    ],
)
def test_match_takes_patterns_for_names(arrivals, names, name, fits):
    assert (Match(labels=names).refusal(arrivals.event(label=name)) is None) is fits


@pytest.mark.parametrize("setting", ["devices", "cameras", "sources"])
def test_match_takes_patterns_for_places_too(arrivals, setting):
    event = arrivals.event("porch-1", source="porch-mqtt", attributes={"camera": "porch"})

    assert Match(**{setting: ["porch*"]}).refusal(event) is None
    assert "is not one of attic*" in Match(**{setting: ["attic*"]}).refusal(event)


def test_match_asks_a_confidence_of_its_own_of_a_label(arrivals):
    match = Match(min_confidence=0.9, min_confidence_per_label={"dog": 0.4})

    assert match.refusal(arrivals.event(label="dog", confidence=0.5)) is None
    assert match.refusal(arrivals.event(label="cat", confidence=0.5)) == "confidence 0.5 of cat is below 0.9"
    assert match.refusal(arrivals.event(label="dog", confidence=0.3)) == "confidence 0.3 of dog is below 0.4"


def boxed(*boxes, label="dog"):
    made = (dict(zip(("left", "top", "width", "height"), box, strict=True)) for box in boxes)
    return {"detections": [Detection(label=label, confidence=0.9, box=Box(**box)) for box in made]}


@pytest.mark.parametrize(
    ("size", "box", "refusal"),
    [
        ({"min_area": 0.03}, (0.1, 0.1, 0.2, 0.2), None),
        ({"min_area": 0.05}, (0.1, 0.1, 0.2, 0.2), "box: area 0.04 is below 0.05"),
        ({"max_width": 0.3}, (0.1, 0.1, 0.4, 0.2), "box: width 0.4 is above 0.3"),
        ({"min_height": 0.3}, (0.1, 0.1, 0.4, 0.2), "box: height 0.2 is below 0.3"),
        ({"max_area": 0.5}, (-5, -5, 10.2, 10.2), "box: area 1 is above 0.5"),
    ],
)
def test_match_asks_for_the_size_of_the_box_inside_the_frame(arrivals, size, box, refusal):
    assert Match(box=size).refusal(arrivals.event(**boxed(box))) == refusal


def test_match_with_a_box_or_zones_wants_no_detection_without_a_box(arrivals):
    zone = {"door": [[0, 0], [1, 0], [1, 1], [0, 1]]}

    assert Match(box={"min_area": 0.1}).refusal(arrivals.event()) == "box: there is none"
    assert Match(zones=zone).refusal(arrivals.event()) == "zones: no box"


TRIANGLE = [[0, 0], [0.5, 0], [0, 0.5]]


@pytest.mark.parametrize(
    ("settings", "box", "refusal"),
    [
        ({"zones": {"door": TRIANGLE}}, (0.1, 0.1, 0.1, 0.1), None),
        ({"zones": {"door": TRIANGLE}}, (0.4, 0.4, 0.1, 0.1), "zones: not in door"),
        ({"zones": {"door": TRIANGLE, "all": [[0, 0], [1, 0], [1, 1], [0, 1]]}}, (0.4, 0.4, 0.1, 0.1), None),
        ({"zones": {"door": TRIANGLE}, "zone_point": "bottom"}, (0.1, 0.1, 0.1, 0.8), "zones: not in door"),
        (
            {"zones": {"floor": [[0, 0.9], [1, 0.9], [1, 1], [0, 1]]}, "zone_point": "bottom"},
            (0.8, 0.1, 0.1, 2),
            None,
        ),
        ({"ignore_zones": {"screen": TRIANGLE}}, (0.1, 0.1, 0.1, 0.1), "ignore_zones: in screen"),
        ({"ignore_zones": {"screen": TRIANGLE}}, (0.6, 0.6, 0.1, 0.1), None),
    ],
)
def test_match_asks_that_the_box_is_in_a_zone(arrivals, settings, box, refusal):
    assert Match(**settings).refusal(arrivals.event(**boxed(box))) == refusal


@pytest.mark.parametrize(
    ("settings", "count", "refusal"),
    [
        ({"min_count": 2}, 2, None),
        ({"min_count": 2}, 1, "min_count: 1 of 2 wanted detections"),
        ({"max_count": 2}, 3, "max_count: 3 wanted detections, at most 2"),
        ({"min_count": 1, "max_count": 2}, 2, None),
    ],
)
def test_match_counts_the_detections_that_it_wants(arrivals, settings, count, refusal):
    event = arrivals.event(**boxed(*[(0.1, 0.1, 0.1, 0.1)] * count))
    other = Detection(label="cat", confidence=0.9)
    event = event.model_copy(update={"detections": (*event.detections, other)})

    assert Match(labels=["dog"], **settings).refusal(event) == refusal


def test_match_names_the_schedule_that_does_not_hold(arrivals):
    match = Match(schedule={"weekdays": ["mon-fri"], "hours": ["08:00-17:00"], "timezone": "Europe/Berlin"})

    refusal = match.refusal(arrivals.event())  # a Saturday

    assert refusal == "schedule: not within mon-fri 08:00-17:00 Europe/Berlin"


def test_match_is_the_same_after_the_store_had_it(arrivals):
    match = Match(
        labels=["b*", "a"],
        zones={"door": TRIANGLE},
        box={"min_area": 0.1},
        schedule=[{"hours": ["22:00-07:00"]}],
        min_confidence_per_label={"a": 0.5},
        once_within_s=60,
    )
    kept = match.model_dump(mode="json", exclude_defaults=True)

    assert kept["labels"] == ["a", "b*"]
    assert Match.model_validate(kept) == match


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"zones": {"door": [[0, 0], [1, 1], [0.5, 0.5]]}}, "has no area"),
        ({"zones": {"door": [[0, 0], [1, 1]]}}, "at least 3 items"),
        ({"zones": {}}, "at least 1 item"),
        ({"box": {"min_area": 0.5, "max_area": 0.1}}, "no box fits"),
        ({"min_count": 3, "max_count": 2}, "min_count 3 is above max_count 2"),
        ({"min_count": 0}, "greater than or equal to 1"),
        ({"min_confidence_per_label": {"dog": 2}}, "less than or equal to 1"),
        ({"new_after_s": 0}, "greater than 0"),
        ({"schedule": []}, "would never hold"),
        ({"schedule": {"hours": []}}, "would never hold"),
        ({"schedule": {"weekdays": ["someday"]}}, "must be a weekday"),
        ({"schedule": {"hours": ["8-9"]}}, "must be hours of the day"),
        ({"schedule": {"hours": ["08:00-08:00"]}}, "has no length"),
        ({"schedule": {"timezone": "Europe/Atlantis"}}, "unknown time zone"),
    ],
)
def test_match_says_what_is_wrong_with_a_setting(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        Match(**settings)

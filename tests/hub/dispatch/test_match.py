"""Which events a match lets through, and why not the others."""

from __future__ import annotations

import pytest

from hub.dispatch.match import Match
from hub.event import Detection


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

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.event import Box, Detection, DroppedFrame, Event, Frame, NewEvent

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIDES = st.integers(1, 65535)
CORNERS = st.floats(-2, 3)


def event(**members: Any) -> NewEvent:
    return NewEvent.model_validate({"source": "edge", "device": "porch", "captured_at": NOW, **members})


def error_kind(**members: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        event(**members)
    return caught.value.errors()[0]["type"]


@given(CORNERS, CORNERS, SIDES, SIDES)
def test_box_keeps_its_corners_in_a_picture_of_any_size(
    left: float, top: float, width: int, height: int
) -> None:
    box = Box.from_corners(left, top, left + 0.25, top + 0.5)
    wanted = (left * width, top * height, (left + 0.25) * width, (top + 0.5) * height)
    assert box.corners_in(width, height) == pytest.approx(wanted, abs=1e-6)


def test_box_is_refused_when_its_corners_are_swapped() -> None:
    with pytest.raises(ValidationError):
        Box.from_corners(0.5, 0.1, 0.4, 0.2)


@pytest.mark.parametrize("name", ["porch", "A", "7", "a.b_c-d", "a" * 64])
def test_event_accepts_a_device_name(name: str) -> None:
    assert event(device=name).device == name


@pytest.mark.parametrize(
    "name", ["", "-porch", ".", "por ch", "a" * 65, "a/b", "a+", "#", "porch\n", "caf\u00e9", "a\x00"]
)
def test_event_refuses_a_name_that_a_topic_or_path_could_not_hold(name: str) -> None:
    assert error_kind(device=name) == "string_pattern_mismatch"


@pytest.mark.parametrize("confidence", [-0.001, 1.001, float("nan"), float("inf")])
def test_detection_refuses_a_confidence_outside_0_to_1(confidence: float) -> None:
    with pytest.raises(ValidationError):
        Detection(label="a", confidence=confidence)


@pytest.mark.parametrize("label", ["", "a\x00", "a\n", "a\x9f", "a\ufffe", "a\uffff", "a" * 201])
def test_detection_refuses_a_label_that_cannot_be_shown(label: str) -> None:
    with pytest.raises(ValidationError):
        Detection(label=label, confidence=0.5)


def test_event_turns_times_into_utc_when_they_have_a_zone() -> None:
    captured_at = event(captured_at="2026-11-21T21:00:00+09:00").captured_at
    assert (captured_at, captured_at.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize(
    ("found", "kind"),
    [("2026-11-21T12:00:00", "timezone_aware"), ("0001-01-01T00:00:00+14:00", "bad_time")],
)
def test_event_refuses_a_time_without_zone_or_before_year_1(found: str, kind: str) -> None:
    assert error_kind(captured_at=found) == kind


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"a": "\x00"}, "bad_text"),
        ({"\x00": 1}, "bad_text"),
        ({"a": {"b": ["\ud800"]}}, "bad_text"),
        ({"a": [float("nan")]}, "finite_number"),
        ({"a": 2**63}, "out_of_range"),
        ({"a": "x" * 8193}, "out_of_range"),
        ({"a": [[[[1]]]]}, "too_deep"),
        ({str(n): n for n in range(65)}, "too_long"),
    ],
)
def test_event_refuses_attributes_that_a_store_cannot_keep(attributes: dict[str, Any], kind: str) -> None:
    assert error_kind(attributes=attributes) == kind


def test_event_accepts_attributes_up_to_the_limits() -> None:
    attributes = {"a": [[[1]]], "b": 2**63 - 1, "c": "あ" * 8000, "d": None}
    assert event(attributes=attributes).attributes == attributes


def test_event_refuses_unknown_members_unless_told_to_ignore_them() -> None:
    assert error_kind(mood="good") == "extra_forbidden"
    content = {"source": "edge", "device": "porch", "captured_at": NOW, "mood": "good"}
    assert NewEvent.model_validate(content, extra="ignore") == event()


def test_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        event().device = "garage"


def test_event_tells_a_frame_from_a_dropped_one() -> None:
    frame = {"digest": "0" * 64, "width": 64, "height": 48, "media_type": "image/jpeg"}
    assert isinstance(event(frame=frame).frame, Frame)
    assert isinstance(event(frame={"dropped": "quota"}).frame, DroppedFrame)


def test_event_names_its_labels_and_best_detection() -> None:
    detections = [
        {"label": label, "confidence": confidence} for label, confidence in (("a", 0.5), ("b", 0.9))
    ]
    seen = event(detections=detections)
    assert seen.labels == {"a", "b"}
    assert seen.best() == seen.detections[1]
    assert event().best() is None


def test_stored_event_reads_back_from_its_json() -> None:
    stored = Event(**event().model_dump(), id=1, received_at=NOW)
    assert Event.model_validate_json(stored.model_dump_json()) == stored

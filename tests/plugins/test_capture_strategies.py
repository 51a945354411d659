"""The strategies by themselves: what each wants of an event, whatever the event says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.event import Box, Detection, Event, Model, is_name
from hub.plugin import RejectedSeen
from plugins.capture_settings import Confident, Disagree, NearThreshold, Negative, Random, Rare, Rejected
from plugins.capture_strategies import (
    draw_share,
    list_candidates,
    of_device,
    want_confident,
    want_disagree,
    want_near_threshold,
    want_negative,
    want_random,
    want_rare,
    want_rejected,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ONE, OTHER = Model(name="one", version="1"), Model(name="other", version="1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def make(*seen: tuple[str, float], event_id: int = 1, **members: Any) -> Event:
    found = tuple(Detection(label=label, confidence=confidence) for label, confidence in seen)
    values = {"source": "edge", "device": "porch", "captured_at": NOW, "received_at": NOW, "id": event_id}
    return Event(**{**values, "detections": found, **members})


def boxed(label: str, left: float, confidence: float = 0.9) -> Detection:
    return Detection(label=label, confidence=confidence, box=Box(left=left, top=0.0, width=0.2, height=0.2))


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_random_takes_its_share_and_the_same_at_every_look(share: float) -> None:
    events = [make(("cup", 0.9), event_id=number) for number in range(1, 4001)]
    first = [want_random(Random(share=share), event) is not None for event in events]
    assert first == [want_random(Random(share=share), event) is not None for event in events]
    assert abs(sum(first) / 4000 - share) < 0.03


def test_random_goes_by_the_key_where_there_is_one() -> None:
    one, again = make(key="k", event_id=1), make(key="k", event_id=2)
    assert draw_share("random", one) == draw_share("random", again)
    amendment = make(event_id=9, kind="amendment", amends=3)
    assert draw_share("random", amendment) == draw_share("random", make(event_id=3))


def test_strategies_draw_each_for_itself() -> None:
    events = [make(event_id=number) for number in range(1, 2001)]
    both = sum(draw_share("random", e) < 0.1 and draw_share("confident", e) < 0.1 for e in events)
    assert both < 60


@pytest.mark.parametrize(("confidence", "wanted"), [(0.9, True), (0.89, False), (1.0, True)])
def test_confident_wants_from_its_confidence_on(confidence: float, wanted: bool) -> None:
    settings = Confident(min_confidence=0.9, share=1.0)
    assert (want_confident(settings, make(("cup", confidence), ("dog", 0.1))) is not None) is wanted
    assert want_confident(settings, make()) is None


@pytest.mark.parametrize(
    ("confidence", "score"), [(0.4, 0.0), (0.39, None), (0.5, 1.0), (0.55, 0.5), (0.6, 0.0), (0.61, None)]
)
def test_near_threshold_wants_what_is_within_its_band(confidence: float, score: float | None) -> None:
    found = want_near_threshold(NearThreshold(band=0.1), make(("cup", confidence), ("dog", 0.99)), 0.5)
    assert (found and round(found.score, 6)) == score
    assert found is None or found.label == "cup"


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({}, False),
        ({"threshold": 0.8}, True),
        ({"threshold": 0.8, "thresholds": {"cup": 0.3}}, False),
        ({"threshold": 0.3, "thresholds": {"cup": 0.8, "dog": 0.1}}, True),
        ({"threshold": "0.8"}, False),
        ({"threshold": True, "thresholds": [0.8]}, False),
        ({"threshold": 8, "thresholds": {"cup": None}}, False),
    ],
)
def test_near_threshold_goes_by_the_models_own_where_the_event_tells_it(
    told: dict[str, Any], wanted: bool
) -> None:
    event = make(("cup", 0.78), attributes=told)
    assert (want_near_threshold(NearThreshold(band=0.1), event, 0.5) is not None) is wanted


def test_near_threshold_looks_at_candidates_too() -> None:
    told = {"threshold": 0.5, "candidates": [{"label": "dog", "confidence": 0.45}]}
    found = want_near_threshold(NearThreshold(band=0.1), make(("cup", 0.99), attributes=told), 0.9)
    assert found is not None
    assert (found.label, round(found.score, 6)) == ("dog", 0.5)


@pytest.mark.parametrize("label", ["thumbs\u00a0up", "می\u200cخواهم", "👨\u200d👩"])
def test_candidates_have_the_labels_that_detections_may_have(label: str) -> None:
    event = make(attributes={"candidates": [{"label": label, "confidence": 0.4}]})
    assert [one.label for one in list_candidates(event)] == [label]


@given(told=JSON, threshold=JSON)
def test_candidates_are_read_whatever_is_told(told: Any, threshold: Any) -> None:
    attributes = {"candidates": told, "threshold": threshold, "thresholds": told}
    event = make().model_copy(update={"attributes": attributes})
    assert all(0 <= one.confidence <= 1 and is_name(one.label) for one in list_candidates(event))
    for wanted in (want_near_threshold(NearThreshold(), event, 0.5), want_negative(Negative(), event, 0.5)):
        assert wanted is None or 0 <= wanted.score <= 1


def test_rare_wants_the_rarest_label_below_its_share() -> None:
    settings = Rare(below=0.1)
    assert want_rare(settings, {"cup": 0.9, "dog": 0.1}) is None
    assert want_rare(settings, {}) is None
    found = want_rare(settings, {"cup": 0.9, "dog": 0.05, "cat": 0.025})
    assert found is not None
    assert (found.label, found.score) == ("cat", 0.75)


@pytest.mark.parametrize(
    ("mine", "theirs", "label"),
    [
        ([boxed("cup", 0.1)], [boxed("cup", 0.11)], None),
        ([boxed("cup", 0.1)], [boxed("dog", 0.1, 0.95)], "dog"),
        ([boxed("cup", 0.1)], [boxed("cup", 0.6, 0.8)], "cup"),
        ([boxed("cup", 0.1), boxed("cup", 0.11)], [boxed("cup", 0.1)], "cup"),
        ([], [boxed("dog", 0.1)], "dog"),
        ([], [], None),
        ([Detection(label="cup", confidence=0.5)], [boxed("cup", 0.4)], None),
        ([boxed("cup", 0.1), boxed("dog", 0.1, 0.2)], [boxed("cup", 0.1)], None),
    ],
)
def test_disagree_wants_what_only_one_model_saw(
    mine: list[Detection], theirs: list[Detection], label: str | None
) -> None:
    event = make(model=ONE, detections=mine)
    other = make(model=OTHER, detections=theirs)
    found = want_disagree(Disagree(min_confidence=0.3), event, [other])
    assert (found and found.label) == label


def test_disagree_compares_with_the_newest_of_each_other_model() -> None:
    event = make(("cup", 0.9), model=ONE)
    own = make(("dog", 0.9), model=ONE)
    newest, older = make(("cup", 0.9), model=OTHER), make(("dog", 0.9), model=OTHER)
    assert want_disagree(Disagree(), event, [own, newest, older]) is None
    assert want_disagree(Disagree(), event, [older, newest]) is not None
    assert want_disagree(Disagree(), make(("cup", 0.9)), [older]) is None


HASH = bytes(32)


def rejection(
    labels: tuple[str, ...], bits: int = 256, device: str = "porch", event_id: int = 5
) -> RejectedSeen:
    return RejectedSeen(event_id, device, labels, (2**bits - 1).to_bytes(32), NOW)


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (rejection(("cup",)), True),
        (rejection(("dog",)), False),
        (rejection((), bits=32), True),
        (rejection((), bits=33), False),
        (RejectedSeen(5, "porch", (), None, NOW), False),
    ],
)
def test_rejected_wants_its_labels_and_what_looks_like_it(seen: RejectedSeen, wanted: bool) -> None:
    found = want_rejected(Rejected(bits=32), make(("cup", 0.9)), HASH, [seen])
    assert (found is not None) is wanted


def test_rejected_goes_by_other_events_of_the_same_device() -> None:
    told = [rejection(("cup",), device="door"), rejection(("cup",), event_id=1), rejection(("cup",))]
    assert of_device(make(("cup", 0.9)), told) == [told[2]]


@pytest.mark.parametrize(("confidence", "wanted"), [(0.39, False), (0.4, True), (0.49, True), (0.5, False)])
def test_negative_wants_what_was_just_missed(confidence: float, wanted: bool) -> None:
    told = {"threshold": 0.5, "candidates": [{"label": "cup", "confidence": confidence}]}
    found = want_negative(Negative(share=0, misses=0.1), make(attributes=told), 0.9)
    assert (found is not None) is wanted


def test_negative_wants_a_share_of_what_shows_nothing() -> None:
    events = [make(event_id=number) for number in range(1, 2001)]
    taken = sum(want_negative(Negative(share=0.2), event, 0.5) is not None for event in events)
    assert 320 < taken < 480
    assert want_negative(Negative(share=1.0), make(("cup", 0.1)), 0.5) is None

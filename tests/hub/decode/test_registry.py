from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.message import Decoded, Message
from hub.decode.registry import DECODER_NAMES, Decoders
from hub.decode.report import report
from hub.event import NewEvent

TOPICS = {
    "edge": [
        "lenshub/v1/porch/events/0123456789abcdef/7",
        *(f"lenshub/v1/porch/{kind}" for kind in ("hello", "gap", "status")),
    ],
    "cloudevents": ["porch/seen"],
    "deeplens": ["$aws/things/deeplens_one/infer", "$aws/things/porch/infer"],
    "frigate": [
        *(f"frigate/{kind}" for kind in ("events", "reviews", "tracked_object_update", "available")),
        "frigate/door/person/snapshot",
    ],
}
WAYS = st.sampled_from([(name, topic) for name, topics in TOPICS.items() for topic in topics])
# The members that decoders look at, so that random objects get past the first check now and then.
NAMES = st.text(max_size=5) | st.sampled_from(
    [
        *(
            "captured_at",
            "detections",
            "label",
            "confidence",
            "box",
            "frame",
            "dropped",
            "attributes",
            "device",
        ),
        *("objects", "object", "index", "timestamp", "device_id", "link_to_img", "img", "prob", "thumbs-up"),
        *("after", "id", "camera", "start_time", "end_time", "top_score", "snapshot", "sub_label", "type"),
        *("entered_zones", "severity", "data", "description", "name", "plate", "score", "model"),
        *("epoch", "first", "last", "next", "now", "agent", "nonce", "reason", "state", "text"),
    ]
)
LEAVES = (
    st.sampled_from(["2026-11-21T12:00:00Z", "20180816-183152", "0123456789abcdef", "true", "porch", "a\0b"])
    | st.floats()
    | st.integers(-1, 2)
    | st.integers()
    | st.sampled_from([None, True, 2**63, 10**400, "\ud800", 0.5, 1e-320])
    | st.text(max_size=20)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)
CONFIDENCES = st.sampled_from([0, 1, 0.5, -0.1, 1.1, math.nan, math.inf, True, "1", 10**400, 2**63])
DETECTIONS = st.lists(
    st.fixed_dictionaries(
        {"label": st.text(max_size=5), "object": st.text(max_size=5), "confidence": CONFIDENCES}
    ),
    max_size=3,
)
EVENTS = st.fixed_dictionaries(
    {
        "captured_at": st.sampled_from(
            ["2026-11-21T12:00:00Z", "0001-01-01T00:00:00+14:00", "2026-11-21T12:00:00"]
        )
    },
    optional={
        "detections": DETECTIONS,
        "objects": DETECTIONS,
        "attributes": st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
        "device": st.sampled_from(["porch", "garage", None]),
        "device_id": st.text(max_size=5),
    },
)

FRIGATES = st.fixed_dictionaries(
    {name: st.text(max_size=5) | LEAVES for name in ("id", "camera", "label", "severity")}
    | {"start_time": st.floats() | st.integers() | CONFIDENCES},
    optional={
        **dict.fromkeys(("top_score", "score", "end_time"), CONFIDENCES | VALUES),
        **dict.fromkeys(("sub_label", "entered_zones", "recognized_license_plate", "snapshot"), VALUES),
        **dict.fromkeys(("description", "name", "plate", "model", "timestamp"), VALUES),
        "box": st.lists(st.floats() | st.integers() | LEAVES, min_size=4, max_size=4),
        "type": st.sampled_from(["face", "lpr", "description", "classification"]),
        "data": st.fixed_dictionaries({"detections": st.lists(st.text(max_size=5), max_size=3)}),
    },
)
CLOUDEVENTS = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0") | LEAVES,
        **dict.fromkeys(("id", "source", "type"), st.just("a") | LEAVES),
        "data": EVENTS | VALUES,
    },
    optional={
        "time": LEAVES,
        "subject": st.just("porch") | LEAVES,
        "datacontenttype": st.just("application/json") | LEAVES,
        "data_base64": LEAVES,
    },
)
TRACKED = FRIGATES | st.fixed_dictionaries({"after": FRIGATES, "type": LEAVES})


def decode(decoders: Decoders, way: tuple[str, str], payload: bytes) -> Decoded:
    name, topic = way
    return decoders.decode(name, Message("mqtt", topic, payload, datetime(2026, 11, 21, 12, tzinfo=UTC)))


def strings_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, str):
        yield value


def check(decoded: Decoded) -> None:
    """Everything that must hold of whatever a decoder returns."""
    printed = report(decoded)
    assert json.loads(json.dumps(printed, allow_nan=False)) == printed
    assert "\x00" not in "".join(strings_in(printed)).encode().decode()
    if decoded.error is not None:
        assert decoded.error.code != "decoder_bug"
        assert decoded.error.reason.isprintable()
        assert len(decoded.error.reason) <= 320
        assert decoded.events == ()
    for event in decoded.events:
        assert NewEvent.model_validate_json(event.model_dump_json()) == event
        assert all(0 <= seen.confidence <= 1 for seen in event.detections)


@given(WAYS, st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_decoders_answer_any_bytes(decoders: Decoders, way: tuple[str, str], payload: bytes) -> None:
    check(decode(decoders, way, payload))


@given(
    WAYS,
    VALUES | EVENTS | TRACKED | CLOUDEVENTS | st.lists(CLOUDEVENTS, max_size=3),
    st.binary(max_size=20).map(lambda picture: b"\n" + picture) | st.just(b""),
)
def test_decoders_answer_any_json(
    decoders: Decoders, way: tuple[str, str], value: object, picture: bytes
) -> None:
    check(decode(decoders, way, json.dumps(value).encode() + picture))


@given(st.sampled_from(sorted({*DECODER_NAMES} - {"cloudevents"})), st.text(max_size=60))
def test_decoders_answer_any_topic(decoders: Decoders, name: str, topic: str) -> None:
    decoded = decode(decoders, (name, topic), b"{}")
    assert decoded.error is not None
    assert decoded.error.code == "bad_topic"


def test_decoders_report_a_bug_of_a_decoder_as_an_error_of_the_message(decoders: Decoders) -> None:
    received_at = "not a time"
    message = Message("mqtt", "$aws/things/porch/infer", b"hello", received_at)  # type: ignore[arg-type]
    decoded = decoders.decode("deeplens", message)
    assert decoded.error is not None
    assert (decoded.error.code, decoded.device) == ("decoder_bug", "porch")
    assert decoded.error.reason.startswith("ValidationError: ")


def test_refused_message_leaves_nothing_for_the_garbage_collector(decoders: Decoders) -> None:
    def read() -> Decoded:
        decoded = decode(decoders, ("cloudevents", "porch/seen"), b"{}")
        assert decoded.error is not None
        return decoded

    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            read()
        assert gc.collect() < 10, "less than one object a time: other threads leave some"
    finally:
        gc.enable()


def test_decoders_refuse_for_a_name_that_is_none_of_theirs(decoders: Decoders) -> None:
    assert decoders.names == DECODER_NAMES
    found = decode(decoders, ("tasmota", "frigate/events"), b"{}")
    assert found.error is not None
    assert found.error.code == "no_decoder"


@pytest.mark.parametrize("claimed", ["accepted", "corrected", "rejected", "disputed", "open"])
def test_decoders_leave_out_what_only_a_reviewer_can_say(decoders: Decoders, claimed: str) -> None:
    said = {"review": claimed, "reviewed_by": "anna", "chosen": "rare", "room": "hall"}
    (event,) = decode_cloudevent(decoders, said).events
    assert event.attributes == {"room": "hall"}


def test_decoders_keep_a_review_of_a_kind_of_its_own(decoders: Decoders) -> None:
    (event,) = decode_cloudevent(decoders, {"review": "1718987129.3-x", "room": "hall"}).events
    assert event.attributes == {"review": "1718987129.3-x", "room": "hall"}


def decode_cloudevent(decoders: Decoders, attributes: dict[str, str]) -> Decoded:
    data = {
        "device": "porch",
        "captured_at": "2026-11-22T03:00:00Z",
        "detections": [],
        "attributes": attributes,
    }
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:test",
        "type": "org.lenshub.event.v1",
        "data": data,
    }
    found = decode(decoders, ("cloudevents", "in/porch"), json.dumps(event).encode())
    assert found.error is None, found.error
    return found

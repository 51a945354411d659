from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hub.decode.limits import Limits
from hub.decode.message import Decoded

Decode = Callable[..., Decoded]


def code_of(decoded: Decoded) -> str:
    assert decoded.error is not None
    return decoded.error.code


def test_deeplens_never_sets_a_key_when_messages_repeat(decode_deeplens: Decode) -> None:
    first, second = (decode_deeplens(b'{"thumbs-up": 0.9}').events[0] for _ in range(2))
    assert (first.key, second.key) == (None, None)
    assert first == second


@pytest.mark.parametrize(
    ("topic", "found", "utc"),
    [
        ("deeplens_one", "20180816-183152", "2018-08-17T01:31:52+00:00"),
        ("deeplens_one", "20180116-183152", "2018-01-17T02:31:52+00:00"),
        ("deeplens_one", "20181104-013000", "2018-11-04T08:30:00+00:00"),
        ("deeplens_two", "20180816-183152", "2018-08-16T16:31:52+00:00"),
        ("porch", "20180116-183152", "2018-01-16T17:31:52+00:00"),
    ],
    ids=["summer", "winter", "an hour that comes twice", "default zone", "no alias"],
)
def test_deeplens_reads_local_times_in_the_zone_of_the_device(
    decode_deeplens: Decode, topic: str, found: object, utc: str
) -> None:
    payload = json.dumps({"timestamp": found, "objects": []}).encode()
    event = decode_deeplens(payload, f"$aws/things/{topic}/infer").events[0]
    assert event.captured_at.isoformat() == utc


@pytest.mark.parametrize(
    "found", ["2018816-183152", "20180816-246060", "99991231-235959", "", 20180816, "２０１８０８１６-183152"]
)
def test_deeplens_refuses_a_time_of_another_form(decode_deeplens: Decode, found: object) -> None:
    decoded = decode_deeplens(json.dumps({"timestamp": found, "objects": []}).encode())
    assert code_of(decoded) == "bad_time"


@pytest.mark.parametrize("claimed", ["Chicago01", "deeplens_two"])
def test_deeplens_refuses_a_record_of_another_device(decode_deeplens: Decode, claimed: object) -> None:
    decoded = decode_deeplens(json.dumps({"device_id": claimed, "objects": []}).encode())
    assert (code_of(decoded), decoded.device) == ("device_mismatch", "Seattle01")


@pytest.mark.parametrize("claimed", ["Seattle01", "deeplens_one", None, 5, ["x"]])
def test_deeplens_keeps_no_device_id_when_it_says_nothing_new(
    decode_deeplens: Decode, claimed: object
) -> None:
    decoded = decode_deeplens(json.dumps({"device_id": claimed, "objects": []}).encode())
    assert decoded.events[0].attributes == {}


@pytest.mark.parametrize("link", [None, 5, {"href": "x"}, "https://" + "h" * 2000, "javascript:1"])
def test_deeplens_drops_a_link_that_is_none(decode_deeplens: Decode, link: object) -> None:
    decoded = decode_deeplens(json.dumps({"link_to_img": link, "objects": []}).encode())
    assert decoded.events[0].attributes == {}


@pytest.mark.parametrize("index", [None, "first", 1.5, True, 2**63, [0]])
def test_deeplens_tolerates_any_index(decode_deeplens: Decode, index: object) -> None:
    objects = [{"index": index, "object": "a", "confidence": 0.5}]
    decoded = decode_deeplens(json.dumps({"objects": objects}).encode())
    assert decoded.error is None
    assert decoded.events[0].labels == {"a"}


@pytest.mark.parametrize(
    ("payload", "labels"),
    [
        (b'{"prob": 1, "face": "true"}', ["face"]),
        (b'{"prob": 0.5, "face": true}', ["face"]),
        (b'{"prob": 0.5}', ["prob"]),
        (b'{"prob": 0.5, "face": "false"}', ["prob"]),
        (b'{"thumbs-up": 1}', ["thumbs-up"]),
        (b'{"a": 0.5, "b": true, "c": null, "d": [0.5]}', ["a"]),
        (b'{"img": 0.5}', ["img"]),
        (b' \n{"a": 0}\n', ["a"]),
    ],
)
def test_deeplens_names_detections_by_label_or_flag(
    decode_deeplens: Decode, payload: bytes, labels: list[str]
) -> None:
    event = decode_deeplens(payload).events[0]
    assert [detection.label for detection in event.detections] == labels


@pytest.mark.parametrize(
    "link",
    ["ftp://a/b", "https://", "https://a b", "https://a/\u00e9", "javascript:1", "http://" + "a" * 2000],
)
def test_deeplens_refuses_an_image_link_that_is_no_web_address(decode_deeplens: Decode, link: object) -> None:
    assert code_of(decode_deeplens(json.dumps({"img": link}).encode())) == "bad_link"


def test_deeplens_shortens_the_text_of_an_error_but_refuses_other_long_text(decode_deeplens: Decode) -> None:
    failure = decode_deeplens(b"Error in lambda: " + b"x" * 5000)
    assert len(failure.statuses[0].text) == 2000
    assert code_of(decode_deeplens(b"x" * 2001)) == "unknown_shape"


def test_deeplens_refuses_a_payload_over_the_limit_unread(decode_deeplens: Decode, limits: Limits) -> None:
    assert code_of(decode_deeplens(b"{" * (limits.max_event_bytes + 1))) == "too_large"


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("$aws/things/deeplens_one/infer/x", None),
        ("$aws/things//infer", None),
        ("$aws/things/a b/infer", None),
        ("$aws/things/a\n/infer", None),
        ("lenshub/v1/porch/hello", None),
    ],
)
def test_deeplens_refuses_another_topic(decode_deeplens: Decode, topic: str, device: str | None) -> None:
    decoded = decode_deeplens(b"{}", topic)
    assert (code_of(decoded), decoded.device) == ("bad_topic", device)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.decode.limits import Limits
from hub.decode.message import Decoded
from hub.event import NewEvent
from hub.wire.protocol import Gap, Hello, Position

Decode = Callable[..., Decoded]
MakeLine = Callable[..., bytes]
MakeFrame = Callable[..., dict[str, Any]]


def test_edge_returns_a_plain_new_event_with_its_position(decode_edge: Decode, line: MakeLine) -> None:
    decoded = decode_edge(line())
    assert type(decoded.events[0]) is NewEvent
    assert decoded.position == Position("porch", "0123456789abcdef", 7)
    assert decoded.device == "porch"


def test_edge_event_equals_the_validated_one_when_built_without_validation(
    decode_edge: Decode, line: MakeLine
) -> None:
    event = decode_edge(line(model={"name": "m", "version": "1"}, frame={"dropped": "quota"})).events[0]
    assert NewEvent.model_validate(event.model_dump()) == event


def test_edge_forces_source_and_key_whatever_the_payload_says(decode_edge: Decode, line: MakeLine) -> None:
    event = decode_edge(line(key=5, source=["deeplens"])).events[0]
    assert (event.source, event.key) == ("edge", "edge:porch/0123456789abcdef/7")


def test_edge_keeps_position_and_device_when_the_payload_cannot_be_read(decode_edge: Decode) -> None:
    decoded = decode_edge(b"\x00")
    assert decoded.error is not None
    assert decoded.error.code == "not_json"
    assert decoded.position == Position("porch", "0123456789abcdef", 7)


def test_edge_hands_over_the_picture_byte_for_byte(
    decode_edge: Decode, line: MakeLine, jpeg: bytes, frame_of: MakeFrame
) -> None:
    decoded = decode_edge(line(frame=frame_of(jpeg)) + b"\n" + jpeg)
    assert decoded.error is None
    assert decoded.picture == jpeg


def test_edge_hands_over_no_picture_when_it_is_refused(
    decode_edge: Decode, line: MakeLine, jpeg: bytes, frame_of: MakeFrame
) -> None:
    decoded = decode_edge(line(frame=frame_of(jpeg, width=65)) + b"\n" + jpeg)
    assert decoded.error is not None
    assert decoded.error.code == "picture_size_mismatch"
    assert (decoded.events, decoded.picture) == ((), None)


def test_edge_refuses_an_event_line_over_the_limit_but_not_its_picture(
    decode_edge: Decode, line: MakeLine, limits: Limits
) -> None:
    decoded = decode_edge(line(later="x" * limits.max_event_bytes))
    assert decoded.error is not None
    assert decoded.error.code == "too_large"


def test_edge_decodes_hello_and_gap_for_the_writer(decode_edge: Decode) -> None:
    hello = decode_edge(
        b'{"epoch":"0123456789abcdef","first":1,"next":1,"now":"1970-01-01T00:00:00Z","agent":"a","nonce":"n"}',
        "lenshub/v1/porch/hello",
    )
    gap = decode_edge(
        b'{"epoch":"0123456789abcdef","first":1,"last":1,"reason":"quota"}', "lenshub/v1/porch/gap"
    )
    assert (type(hello.hello), hello.device) == (Hello, "porch")
    assert (type(gap.gap), gap.device) == (Gap, "porch")


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("lenshub/v1/porch/events/0123456789abcdef/0", "porch"),
        ("lenshub/v1/porch/events/0123456789abcdef/9999999999999999999", "porch"),
        ("lenshub/v1/porch/events/not-an-epoch/1", "porch"),
        ("lenshub/v1/porch/ack", None),
        ("lenshub/v1/porch\n/events/0123456789abcdef/1", None),
        ("lenshub/v1//hello", None),
        ("lenshub/v2/porch/hello", None),
        ("", None),
    ],
)
def test_edge_refuses_a_topic_outside_the_protocol(
    decode_edge: Decode, line: MakeLine, topic: str, device: str | None
) -> None:
    decoded = decode_edge(line(), topic)
    assert decoded.error is not None
    assert (decoded.error.code, decoded.device, decoded.position) == ("bad_topic", device, None)


def test_edge_shows_control_characters_of_a_status_escaped(decode_edge: Decode) -> None:
    decoded = decode_edge(rb'{"state":"error","text":"a\u0000\u001b[2Jb"}', "lenshub/v1/porch/status")
    assert decoded.statuses[0].text == r"a\x00\x1b[2Jb"

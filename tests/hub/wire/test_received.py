"""PUBLISH packets are read out of received bytes; everything else is left to paho."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.wire.received import Received, read_publish


def packet(topic=b"t", payload=b"payload", mid=7, flags=0x32):
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + payload
    return bytes([flags]) + encode_length(len(body)) + body


def encode_length(length):
    encoded = b""
    while length >= 128:
        encoded += bytes([length % 128 | 128])
        length //= 128
    return encoded + bytes([length])


@given(
    st.binary(max_size=9), st.text(min_size=1, max_size=9), st.binary(max_size=20_000), st.integers(1, 65535)
)
def test_read_publish_returns_what_was_sent_and_where_the_next_packet_begins(before, topic, payload, mid):
    sent = packet(topic.encode(), payload, mid)

    found = read_publish(before + sent + b"next", len(before))

    assert found == (Received(topic, payload, mid, 1, False, False), len(before) + len(sent))


@pytest.mark.parametrize(
    ("flags", "said"), [(0x32, (False, False)), (0x3A, (True, False)), (0x33, (False, True))]
)
def test_read_publish_says_what_the_flags_say(flags, said):
    message, _ = read_publish(packet(flags=flags), 0)

    assert (message.duplicate, message.retain) == said


@pytest.mark.parametrize("payload", [b"", b"x" * 300, b"x" * 70_000])
def test_read_publish_leaves_a_packet_that_is_cut_off_anywhere(payload):
    whole = packet(payload=payload)

    cut = [read_publish(whole[:end], 0) for end in (1, 2, 3, 4, 6, len(whole) - 1) if end < len(whole)]

    assert set(cut) == {None}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(packet(flags=0x30), id="QoS 0"),
        pytest.param(packet(flags=0x34), id="QoS 2"),
        pytest.param(packet(flags=0x36), id="QoS 3"),
        pytest.param(packet(topic=b""), id="no topic"),
        pytest.param(b"\x40\x02\x00\x01", id="PUBACK"),
        pytest.param(b"\x32\x05\x00\x09t\x00\x01" + b"x" * 20, id="topic longer than the packet"),
        pytest.param(b"\x32\x00" + b"x" * 20, id="empty packet"),
        pytest.param(b"\x32\xff\xff\xff\xff\x01" + b"x" * 20, id="length of five bytes"),
    ],
)
def test_read_publish_leaves_to_paho_what_is_no_plain_publish(other):
    assert read_publish(other, 0) is None


@given(st.binary(min_size=1, max_size=60))
def test_read_publish_never_reads_past_the_end_of_any_bytes(data):
    found = read_publish(data, 0)

    assert found is None or (found[1] <= len(data) and data[: found[1]].endswith(found[0].payload))

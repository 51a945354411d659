"""Topics and records of the edge wire protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.wire.protocol import (
    MAX_SEQ,
    Position,
    event_topic,
    join_record,
    parse_position,
    parse_upward,
    split_record,
    upward,
)

POSITION = Position("porch", "0123456789abcdef", 7)


def test_topic_of_a_record_is_read_back():
    assert parse_position(event_topic(POSITION)) == POSITION


@pytest.mark.parametrize(
    "topic",
    [
        "lenshub/v1/porch/events/0123456789abcdef/0",
        "lenshub/v1/porch/events/0123456789abcdef/07",
        f"lenshub/v1/porch/events/0123456789abcdef/{MAX_SEQ + 1}",
        "lenshub/v1/porch/events/XYZ/1",
        "lenshub/v1/../events/0123456789abcdef/1",
        "lenshub/v1/po rch/events/0123456789abcdef/1",
        "lenshub/v1/porch\n/events/0123456789abcdef/1",
        "lenshub/v2/porch/events/0123456789abcdef/1",
    ],
)
def test_topic_that_names_no_position_is_none(topic):
    assert parse_position(topic) is None


def test_upward_topic_names_device_and_kind():
    assert parse_upward(upward("porch", "hello")) == ("porch", "hello")
    assert parse_upward("lenshub/v1/porch/ack") is None


@given(picture=st.none() | st.binary())
def test_record_is_split_as_it_was_joined(picture):
    assert split_record(join_record(b'{"a": 1}', picture)) == (b'{"a": 1}', picture)


def test_record_refuses_json_on_two_lines():
    with pytest.raises(ValueError, match="one line"):
        join_record(b"{\n}", None)

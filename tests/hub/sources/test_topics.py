"""Topic filters route as a broker would, and unknown devices are refused by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config import Config
from hub.decode.limits import Limits
from hub.decode.message import Message
from hub.decode.registry import Decoders
from hub.sources.topics import Topics, decode_again, decode_routed, filter_pattern

LEVELS = st.sampled_from(["a", "b", "", "+", "$sys", "a.b"])
NAMES = st.sampled_from(["a", "b", "", "$sys", "a.b", "axb", "a\nb"])


@given(
    topic_filter=st.tuples(st.lists(LEVELS, min_size=1, max_size=4), st.booleans()).map(
        lambda drawn: "/".join(drawn[0] + ["#"] * drawn[1])
    ),
    topic=st.lists(NAMES, min_size=1, max_size=5).map("/".join),
)
@settings(max_examples=300)
def test_filter_matches_what_paho_says_it_matches(topic_filter, topic):
    if not topic.startswith("$") or topic_filter.startswith("$"):  # the broker keeps `$` from wildcards
        found = re.fullmatch(filter_pattern(topic_filter), topic, re.DOTALL) is not None
        assert found == paho.topic_matches_sub(topic_filter, topic)


def test_filter_of_everything_leaves_dollar_topics_out():
    assert re.fullmatch(filter_pattern("#"), "$SYS/broker") is None
    assert re.fullmatch(filter_pattern("#"), "a/b") is not None


def test_topics_of_overlapping_filters_take_the_first_one_written():
    topics = Topics({"a/b": "one", "a/+": "two", "#": "three"})

    assert [topics.decoder_of(topic) for topic in ("a/b", "a/c", "x/y", "$x")] == [
        "one",
        "two",
        "three",
        None,
    ]


@pytest.fixture
def route():
    decoders = Decoders({}, ZoneInfo("UTC"), Limits())

    def decode(topic, payload=b'{"thumbs-up": 0.9}', known=frozenset()):
        message = Message("mqtt", topic, payload, datetime.now(UTC))
        return decode_routed(message, Topics(Config().mqtt.topics), decoders, known)

    return decode


def test_routing_refuses_a_topic_that_no_filter_matches(route):
    assert route("elsewhere").error.code == "bad_topic"


def test_routing_refuses_an_unknown_device_but_consumes_its_number(route):
    topic = "lenshub/v1/porch/events/0123456789abcdef/1"
    found = route(topic, b'{"captured_at": "2026-11-21T12:00:00Z"}', known={"attic"})

    assert (found.error.code, found.events, found.position.seq) == ("unknown_device", (), 1)
    assert route(topic, b'{"captured_at": "2026-11-21T12:00:00Z"}', known={"porch"}).error is None


def test_routing_takes_any_device_when_none_is_named(route):
    assert len(route("$aws/things/porch/infer").events) == 1


def test_kept_message_of_an_instance_that_is_gone_has_no_decoder():
    decoders = Decoders({}, ZoneInfo("UTC"), Limits())
    message = Message("birdhouse", "birdhouse/1", b"robin", datetime.now(UTC))

    found = decode_again(message, Topics(Config().mqtt.topics), decoders, frozenset())

    assert found.error.code == "no_decoder"

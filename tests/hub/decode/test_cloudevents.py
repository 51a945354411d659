"""CloudEvents come in as they go out, once, and only for the device that their topic names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hub.decode.message import Message
from hub.event import Box, Detection, Event, Model
from hub.store.arrival import Arrival
from hub.wire.cloudevent import wrap_event

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEEN = Detection(label="dog", confidence=0.9, box=Box(left=0.1, top=0.2, width=0.3, height=0.4), track="1")


@pytest.fixture
def event():
    """An event as another hub has stored it."""
    return Event(
        id=7,
        key="edge:porch/0123456789abcdef/7",
        source="edge",
        device="porch",
        captured_at=NOW,
        received_at=NOW,
        model=Model(name="ssd", version="1"),
        detections=(SEEN,),
        attributes={"camera": "door", "zones": ["yard"]},
    )


@pytest.fixture
def hear(decoders):
    def decode(said, device="porch"):
        message = Message("mqtt", f"cloudevents/{device}", json.dumps(said).encode(), NOW)
        return Arrival(message, decoders.decode("cloudevents", message))

    return decode


def test_event_of_another_hub_says_the_same_here(hear, event):
    (found,) = hear(wrap_event(event)).decoded.events

    same = ("device", "captured_at", "model", "detections", "attributes", "camera")
    assert [getattr(found, name) for name in same] == [getattr(event, name) for name in same]
    assert (found.source, found.kind) == ("cloudevents", "event")


def test_amended_event_has_another_identity_than_it_had_before(event):
    amended = event.model_copy(update={"attributes": {"ended": True}})

    assert wrap_event(event)["id"] == wrap_event(event)["id"] != wrap_event(amended)["id"]


async def test_cloudevent_that_comes_again_is_stored_once(store, hear, event, soon):
    for _ in range(2):
        await soon(store.add(hear([wrap_event(event)])))

    assert store.sql("SELECT COUNT(*) FROM events") == [(1,)]
    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]


def key_of(arrival):
    (event,) = arrival.decoded.events
    return event.key


def test_sources_and_ids_that_read_alike_together_have_keys_of_their_own(hear, event):
    said = wrap_event(event)
    keys = [
        key_of(hear({**said, "source": source, "id": one})) for source, one in (("a", "b#1"), ("a#b", "1"))
    ]

    assert keys == ["cloudevents:porch:a#b%231", "cloudevents:porch:a%23b#1"]


def test_key_that_would_be_too_long_is_a_digest(hear, event):
    said = {**wrap_event(event), "source": "あ" * 200}
    first, second = (key_of(hear({**said, "id": one})) for one in ("1", "2"))

    assert first.startswith("cloudevents:porch:sha256-")
    assert len(first) == len(second) < 100
    assert first != second


async def test_device_cannot_use_up_the_keys_of_another(store, hear, event, soon):
    said = wrap_event(event)
    porch = {**said, "subject": "porch", "data": {**said["data"], "device": "porch"}}
    attic = {**said, "subject": "attic", "data": {**said["data"], "device": "attic"}}
    await soon(store.add(hear(attic, "attic")))
    await soon(store.add(hear(porch)))

    assert store.sql("SELECT device FROM events ORDER BY id") == [("attic",), ("porch",)]
    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]

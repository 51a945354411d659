"""What Frigate says of a tracked object becomes one event, from the first message to the last."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.decode.frigate import FrigateSettings
from hub.decode.limits import Limits
from hub.decode.message import Message
from hub.decode.registry import Decoders
from hub.decode.report import report
from hub.event import Frame
from hub.store.arrival import Arrival
from hub.store.log import EventFilter

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CAR = {"id": "1.5-abc", "camera": "door", "label": "car", "start_time": NOW.timestamp(), "top_score": 0.8}


@pytest.fixture
def hear(store, decoders, soon):
    """A function: what Frigate publishes is decoded and stored."""

    async def publish(topic, said):
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        message = Message("mqtt", f"frigate/{topic}", payload, NOW)
        await soon(store.add(Arrival(message, decoders.decode("frigate", message))))

    return publish


async def test_tracked_object_is_one_event_with_all_that_was_said_of_it(store, hear, jpeg):
    await hear("events", {"type": "new", "after": CAR})
    await hear("events", {"type": "update", "after": {**CAR, "box": [1, 2, 3, 4], "top_score": 0.8049}})
    await hear("events", {"type": "update", "after": {**CAR, "entered_zones": ["drive"], "top_score": 0.93}})
    await hear(
        "reviews", {"after": {**CAR, "id": "r", "severity": "alert", "data": {"detections": ["1.5-abc"]}}}
    )
    await hear("door/car/snapshot", jpeg)
    await hear("door/car/snapshot", jpeg)
    await hear("tracked_object_update", {"type": "lpr", "id": "1.5-abc", "plate": "S AB 12", "score": 0.97})
    await hear(
        "events", {"type": "end", "after": {**CAR, "top_score": 0.93, "end_time": NOW.timestamp() + 9}}
    )

    (event,) = await store.log.newest(EventFilter(label="car"), 10)
    _, amendments = await store.log.view(event)
    assert (event.id, event.key, event.device) == (1, "frigate:frigate:1.5-abc", "frigate")
    assert (event.camera, event.detections[0].confidence) == ("door", 0.93)
    assert isinstance(event.frame, Frame)
    assert event.attributes == {
        "camera": "door",
        "zones": ["drive"],
        "review": "r",
        "severity": "alert",
        "plate": "S AB 12",
        "plate_score": 0.97,
        "ended": True,
        "ended_at": "2026-11-21T12:00:09+00:00",
    }
    assert amendments == [2, 3, 4, 5, 6]
    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]


async def test_best_score_of_an_object_does_not_fall_when_an_older_message_comes_late(store, hear):
    await hear("events", {"type": "update", "after": {**CAR, "top_score": 0.9, "entered_zones": ["drive"]}})
    await hear("events", {"type": "new", "after": {**CAR, "top_score": 0.3, "entered_zones": ["street"]}})

    (event,) = await store.log.newest(EventFilter(), 10)
    assert event.detections[0].confidence == 0.9
    assert event.attributes["zones"] == ["drive", "street"]


async def test_object_that_has_ended_is_changed_by_late_facts_only(store, hear):
    await hear("events", {"type": "end", "after": {**CAR, "top_score": 0.9}})
    late = {**CAR, "label": "dog", "top_score": 0.95, "sub_label": "Rex"}
    await hear("events", {"type": "update", "after": late})

    (event,) = await store.log.newest(EventFilter(), 10)
    assert [(found.label, found.confidence) for found in event.detections] == [("car", 0.9)]
    assert event.attributes["sub_label"] == "Rex"

    await hear("events", {"type": "end", "after": {**CAR, "top_score": 0.97}})
    (event,) = await store.log.newest(EventFilter(), 10)
    assert event.detections[0].confidence == 0.97


async def test_same_id_on_another_camera_is_refused_and_the_object_stays(store, hear):
    await hear("events", {"type": "new", "after": CAR})
    await hear("events", {"type": "update", "after": {**CAR, "camera": "yard", "label": "dog"}})

    (event,) = await store.log.newest(EventFilter(), 10)
    assert (event.camera, event.labels) == ("door", {"car"})
    reason = "the object frigate:frigate:1.5-abc is of the camera door, and this of yard"
    assert store.sql("SELECT code, reason FROM quarantine") == [("key_conflict", reason)]


def read(decoders, topic, text):
    message = Message("mqtt", f"frigate/{topic}", text.encode(), NOW)
    (event,) = decoders.decode("frigate", message).events
    return event


@pytest.mark.parametrize(
    ("written", "text"), [(r"\u0000x", None), (r"\uD800x", None), (r"\ud83d\ude00", "😀")]
)
def test_text_that_no_database_keeps_is_left_out(decoders, written, text):
    said = json.dumps({"type": "end", "after": {**CAR, "sub_label": "?"}}).replace("?", written)

    assert read(decoders, "events", said).attributes.get("sub_label") == text


def test_time_that_is_none_is_left_out(decoders):
    ended = read(decoders, "events", json.dumps({"type": "end", "after": {**CAR, "end_time": 1e20}}))
    late = {"type": "description", "id": CAR["id"], "description": "a car", "timestamp": 1e30}

    assert ended.attributes == {"camera": "door", "ended": True}
    assert read(decoders, "tracked_object_update", json.dumps(late)).captured_at == NOW


async def test_false_positive_makes_no_event(store, hear):
    await hear("events", {"type": "new", "after": {**CAR, "false_positive": True}})

    assert store.sql("SELECT COUNT(*) FROM events") == [(0,)]


async def test_box_is_in_fractions_where_the_size_of_the_frames_is_set():
    settings = FrigateSettings(cameras={"door": (1280, 720)})
    decoder = Decoders({}, ZoneInfo("UTC"), Limits(), settings)
    said = json.dumps({"after": {**CAR, "box": [320, 180, 640, 720]}}).encode()
    (event,) = decoder.decode("frigate", Message("mqtt", "frigate/events", said, NOW)).events

    assert event.detections[0].box.corners_in(1, 1) == (0.25, 0.25, 0.5, 1.0)


def test_example_in_the_documentation_is_what_is_decoded():
    docs = (Path(__file__).parents[3] / "docs/frigate.md").read_text(encoding="utf-8")
    said, printed = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", docs, re.DOTALL))
    table = tomllib.loads(re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)[0])["frigate"]
    decoders = Decoders({}, ZoneInfo("UTC"), Limits(), FrigateSettings.model_validate(table))
    decoded = decoders.decode("frigate", Message("mqtt", "frigate/events", json.dumps(said).encode(), NOW))

    assert report(decoded) == printed

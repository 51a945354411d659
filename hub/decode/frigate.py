"""Decodes what Frigate publishes: tracked objects, reviews, late facts, snapshots, and whether it is there.

One tracked object is one event: all that is said of it amends it under its key, and the first begins it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from pydantic import Field, JsonValue, ValidationError

from hub.decode.frigate_facts import (
    Facts,
    Late,
    Review,
    Tracked,
    find_time,
    read_detection,
    read_facts,
    read_late,
    read_time,
)
from hub.decode.limits import Limits, check_json
from hub.decode.message import Decoded, Decoder, Message, Newest, Status, StatusKind
from hub.decode.picture import describe_picture
from hub.decode.printing import quote, show
from hub.decode.refusal import refuse
from hub.errors import PayloadError
from hub.event import DEVICE_PATTERN, DeviceName, Name, NewEvent, Plain, Side

SOURCE = "frigate"
_DEVICE = re.compile(DEVICE_PATTERN)
_SNAPSHOT = re.compile(r"(.+)/([^/]+)/([^/]+)/snapshot")
_OTHER = re.compile(r"(.+)/(events|reviews|tracked_object_update|available)")
_SURROGATES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Every escape of a JSON text, a pair of surrogates at once; group 1 is one that is alone."""
_STATES: dict[bytes, StatusKind] = {b"online": "online", b"offline": "offline", b"stopped": "offline"}

Sent = TypeVar("Sent", bound=Plain)


class FrigateSettings(Plain):
    """`[frigate]`: what Frigate does not say of itself."""

    devices: dict[Name, DeviceName] = Field(
        default_factory=dict, description="Device names by topic prefix; absent: the prefix itself"
    )
    cameras: dict[Name, tuple[Side, Side]] = Field(
        default_factory=dict, description="Width and height in pixels of each camera's detect stream"
    )


class _Update(Plain):
    type: JsonValue = None
    after: Tracked


class _ReviewUpdate(Plain):
    after: Review


class _Place(NamedTuple):
    """Where a message comes from, by its topic."""

    prefix: str
    what: str
    device: str
    camera: str = ""
    label: str = ""

    def key(self, object_id: str) -> str:
        """Return the key of a tracked object's event."""
        return f"{SOURCE}:{self.prefix}:{object_id}"


def device_on(topic: str, settings: FrigateSettings) -> str | None:
    """Return the device a topic belongs to, or None where it names none."""
    found = _SNAPSHOT.fullmatch(topic) or _OTHER.fullmatch(topic)
    if found is None:
        return None
    device = settings.devices.get(found[1], found[1])
    return device if _DEVICE.fullmatch(device) else None


def _find_place(topic: str, settings: FrigateSettings) -> _Place:
    device = device_on(topic, settings)
    if found := _SNAPSHOT.fullmatch(topic):
        prefix, what, camera, label = found[1], "snapshot", found[2], found[3]
    elif found := _OTHER.fullmatch(topic):
        prefix, what, camera, label = found[1], found[2], "", ""
    else:
        raise PayloadError("bad_topic", show(f"{topic}: not a topic of Frigate's that is read"))
    if device is None:
        found_name = f"{prefix}: not a device name; give this prefix one in [frigate] devices"
        raise PayloadError("bad_topic", show(found_name))
    return _Place(prefix, what, device, camera, label)


def _parse(model: type[Sent], data: bytes, limits: Limits) -> Sent:
    check_json(data, limits)
    data = _SURROGATES.sub(lambda escape: rb"\u0000" if escape[1] else escape[0], data)
    try:
        return model.model_validate_json(data, strict=True, extra="ignore")
    except ValidationError as error:
        raise refuse(error, data) from error


def _amend(
    place: _Place,
    key: str | None,
    captured_at: datetime,
    facts: Facts,
    detections: Iterable[dict[str, Any]] = (),
    **more: Any,
) -> NewEvent:
    content = {
        "kind": "amendment",
        "key": key,
        "source": SOURCE,
        "device": place.device,
        "captured_at": captured_at,
        "detections": tuple(detections),
        "attributes": facts,
        **more,
    }
    try:
        return NewEvent.model_validate(content)
    except ValidationError as error:
        raise refuse(error) from error


def _decode_object(place: _Place, update: _Update, settings: FrigateSettings) -> Decoded:
    seen = update.after
    if seen.false_positive is True:
        return Decoded(device=place.device)
    facts = read_facts(seen, ended=update.type == "end")
    detection = read_detection(seen, settings.cameras)
    event = _amend(place, place.key(seen.id), read_time(seen.start_time), facts, [detection])
    return Decoded(events=(event,), device=place.device)


def _decode_review(place: _Place, review: Review) -> Decoded:
    facts: Facts = {"camera": review.camera, "review": review.id, "severity": review.severity}
    at = read_time(review.start_time)
    named = dict.fromkeys(review.data.detections)
    return Decoded(
        events=tuple(_amend(place, place.key(each), at, facts) for each in named), device=place.device
    )


def _decode_late(place: _Place, said: Late, received_at: datetime) -> Decoded:
    facts = read_late(said)
    if not facts:
        return Decoded(device=place.device)
    captured_at = find_time(said.timestamp) or received_at
    return Decoded(events=(_amend(place, place.key(said.id), captured_at, facts),), device=place.device)


def _decode_snapshot(place: _Place, message: Message, limits: Limits) -> Decoded:
    frame = describe_picture(message.payload, limits)
    facts: Facts = {"camera": place.camera}
    event = _amend(place, None, message.received_at, facts, frame=frame)
    about = Newest(place.device, place.camera, place.label)
    return Decoded(events=(event,), picture=message.payload, about=about, device=place.device)


def _decode_available(place: _Place, message: Message) -> Decoded:
    kind = _STATES.get(message.payload)
    if kind is None:
        found = f"expected online, offline or stopped; found {quote(message.payload)}"
        raise PayloadError("unknown_shape", show(found))
    status = Status(device=place.device, kind=kind, text="Frigate", at=message.received_at)
    return Decoded(statuses=(status,), device=place.device)


def make_decoder(settings: FrigateSettings, limits: Limits) -> Decoder:
    """Return the decoder of a Frigate's topics, whose prefix is the authority for the device.

    It raises PayloadError; docs/payloads.md has the codes.
    """

    def decode(message: Message) -> Decoded:
        place = _find_place(message.topic, settings)
        match place.what:
            case "snapshot":
                return _decode_snapshot(place, message, limits)
            case "available":
                return _decode_available(place, message)
            case "events":
                return _decode_object(place, _parse(_Update, message.payload, limits), settings)
            case "reviews":
                return _decode_review(place, _parse(_ReviewUpdate, message.payload, limits).after)
        return _decode_late(place, _parse(Late, message.payload, limits), message.received_at)

    return decode

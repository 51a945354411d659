"""Decodes CloudEvents 1.0, structured JSON: one or a batch, whose data has the shape of an event of ours."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal
from urllib.parse import quote as percent_encode

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from hub.decode.limits import Limits, check_json
from hub.decode.message import Decoded, Decoder, Message
from hub.decode.printing import quote, show
from hub.decode.refusal import refuse
from hub.errors import PayloadError
from hub.event import (
    MAX_DETECTIONS,
    MAX_KEY_CHARS,
    Attributes,
    Detection,
    DeviceName,
    DroppedFrame,
    Model,
    Name,
    NewEvent,
    Plain,
    UtcTime,
)

SOURCE = "cloudevents"
MAX_BATCH = 1000
NO_PICTURE = "a CloudEvent brings no picture"


class _Envelope(Plain):
    """A CloudEvent; extension attributes are ignored."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    time: UtcTime | None = None
    subject: JsonValue = None
    datacontenttype: str | None = None
    data_base64: JsonValue = None
    data: JsonValue = None


class _Seen(Plain):
    """The data: an event without what the hub gives; device and time may be the envelope's."""

    kind: Literal["event"] = "event"
    device: DeviceName
    captured_at: UtcTime
    model: Model | None = None
    frame: JsonValue = None
    detections: Annotated[tuple[Detection, ...], Field(max_length=MAX_DETECTIONS)]
    attributes: Attributes = Field(default_factory=dict)


_BATCH: TypeAdapter[list[_Envelope]] = TypeAdapter(Annotated[list[_Envelope], Field(max_length=MAX_BATCH)])


def _parse(payload: bytes, limits: Limits) -> list[_Envelope]:
    check_json(payload, limits)
    try:
        if payload.lstrip()[:1] == b"[":
            return _BATCH.validate_json(payload, strict=True, extra="ignore")
        return [_Envelope.model_validate_json(payload, strict=True, extra="ignore")]
    except ValidationError as error:
        raise refuse(error, payload) from error


def _is_json(content_type: str | None) -> bool:
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    return media_type.endswith(("/json", "+json"))


def _check_data(envelope: _Envelope) -> dict[str, JsonValue]:
    """Return the data with what the envelope adds to it."""
    if not isinstance(envelope.data, dict) or not _is_json(envelope.datacontenttype):
        found = "binary data" if envelope.data_base64 is not None else quote(envelope.data)
        reason = f"type {envelope.type}: data must be the JSON of an event (docs/payloads.md); found {found}"
        raise PayloadError("unknown_shape", show(reason))
    members = dict(envelope.data)
    if envelope.subject is not None:
        members.setdefault("device", envelope.subject)
    if envelope.time is not None:
        members.setdefault("captured_at", envelope.time.isoformat())
    return members


def _make_key(device: str, envelope: _Envelope) -> str:
    """Return the event's key: each device has keys of its own, and no two identities share one."""
    source, identity = (percent_encode(part, safe="") for part in (envelope.source, envelope.id))
    key = f"{SOURCE}:{device}:{source}#{identity}"
    if len(key) <= MAX_KEY_CHARS:
        return key
    return f"{SOURCE}:{device}:sha256-{hashlib.sha256(key.encode()).hexdigest()}"


def _build_event(envelope: _Envelope) -> NewEvent:
    members = _check_data(envelope)
    try:
        seen = _Seen.model_validate_json(json.dumps(members), strict=True, extra="ignore")
        return NewEvent(
            key=_make_key(seen.device, envelope),
            source=SOURCE,
            device=seen.device,
            captured_at=seen.captured_at,
            model=seen.model,
            frame=DroppedFrame(dropped=NO_PICTURE) if seen.frame is not None else None,
            detections=seen.detections,
            attributes=seen.attributes,
        )
    except ValidationError as error:
        raise refuse(error) from error


def _check_together(events: list[NewEvent], topic: str) -> str | None:
    """Return the device whose events came together; it must be named on the topic."""
    names = sorted({event.device for event in events})
    levels = topic.split("/")
    if strangers := [name for name in names if name not in levels]:
        found = f"the topic {topic} does not name the device {strangers[0]}, of which the data is"
        raise PayloadError("device_mismatch", show(found))
    if len(names) > 1:
        raise PayloadError("device_mismatch", show(f"events of several devices: {', '.join(names)}"))
    if len({event.key for event in events}) < len(events):
        raise PayloadError("not_allowed", "two CloudEvents of the batch have the same source and id")
    return names[0] if names else None


def make_decoder(limits: Limits) -> Decoder:
    """Return the decoder of CloudEvents, of whatever topic names their device.

    It raises PayloadError; docs/payloads.md has the codes.
    """

    def decode(message: Message) -> Decoded:
        events = [_build_event(envelope) for envelope in _parse(message.payload, limits)]
        return Decoded(events=tuple(events), device=_check_together(events, message.topic))

    return decode

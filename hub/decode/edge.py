"""Decodes what our own agents send: records, hello, gap and status (edge wire protocol, version 1)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError

from hub.decode.limits import Limits, check_json
from hub.decode.message import Decoded, Health, Message, Status, StatusKind
from hub.decode.picture import check_picture
from hub.decode.printing import quote, show
from hub.decode.refusal import refuse
from hub.errors import PayloadError
from hub.event import (
    MAX_DETECTIONS,
    Attributes,
    Detection,
    DroppedFrame,
    Frame,
    Model,
    NewEvent,
    Plain,
    UtcTime,
)
from hub.wire.protocol import (
    AgentStatus,
    Gap,
    Hello,
    Position,
    parse_position,
    parse_upward,
    split_record,
)

MAX_TEXT_CHARS = 2000
_SAID_KINDS: dict[str, StatusKind] = {
    "online": "online",
    "offline": "offline",
    "error": "error",
    "model_loaded": "model_loaded",
}

Sent = TypeVar("Sent", bound=Plain)


class _Line(Plain):
    """A record's event line. What it says of `key` and `source` is ignored: the topic and we know better."""

    kind: Literal["event"] = "event"
    device: str | None = None
    captured_at: UtcTime
    model: Model | None = None
    frame: Frame | DroppedFrame | None = None
    detections: Annotated[tuple[Detection, ...], Field(max_length=MAX_DETECTIONS)] = ()
    attributes: Attributes = Field(default_factory=dict)


class _Status(AgentStatus):
    """A status message with the figures that agents add."""

    health: Health | None = None


def _parse(model: type[Sent], data: bytes, limits: Limits) -> Sent:
    check_json(data, limits)
    try:
        return model.model_validate_json(data, strict=True, extra="ignore")
    except ValidationError as error:
        raise refuse(error, data) from error


def _build_event(line: _Line, position: Position) -> NewEvent:
    """Add what the topic says; nothing is validated a second time, which would double the cost."""
    device, epoch, seq = position
    if line.device is not None and line.device != device:
        found = f"the topic belongs to {device}, but the payload says {quote(line.device)}"
        raise PayloadError("device_mismatch", found)
    return NewEvent.from_line(line, source="edge", device=device, key=f"edge:{device}/{epoch}/{seq}")


def _decode_record(payload: bytes, position: Position, limits: Limits) -> Decoded:
    line, picture = split_record(payload)
    event = _build_event(_parse(_Line, line, limits), position)
    if event.frame is not None or picture:
        check_picture(event.frame, picture or None, limits)
    return Decoded(events=(event,), picture=picture or None, position=position, device=position.device)


def _decode_status(device: str, sent: _Status, received_at: datetime) -> Status:
    text = " ".join(sent.text.split())
    kind = _SAID_KINDS.get(sent.state, "info")
    if kind == "info":
        text = f"{sent.state}: {text}" if text else sent.state
    return Status(
        device=device, kind=kind, text=show(text, MAX_TEXT_CHARS), at=received_at, health=sent.health
    )


def _decode_gap(device: str, gap: Gap) -> Decoded:
    if gap.last < gap.first:
        raise PayloadError("bad_gap", f"the last record ({gap.last}) lies before the first ({gap.first})")
    return Decoded(gap=gap, device=device)


def device_on(topic: str) -> str | None:
    """Return the device an upward topic names, or None when it names none."""
    upward = parse_upward(topic)
    return upward[0] if upward else None


def decode(message: Message, limits: Limits) -> Decoded:
    """Read one message on `lenshub/v1/<device>/...`; the device in the topic is the authority.

    Raises:
        PayloadError: See docs/payloads.md for the codes.
    """
    if position := parse_position(message.topic):
        return _decode_record(message.payload, position, limits)
    match parse_upward(message.topic):
        case device, "hello":
            return Decoded(hello=_parse(Hello, message.payload, limits), device=device)
        case device, "gap":
            return _decode_gap(device, _parse(Gap, message.payload, limits))
        case device, "status":
            sent = _parse(_Status, message.payload, limits)
            return Decoded(statuses=(_decode_status(device, sent, message.received_at),), device=device)
    raise PayloadError("bad_topic", show(f"{message.topic}: not a topic of the edge wire protocol"))

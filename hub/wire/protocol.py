"""Topics and payloads of the edge wire protocol, version 1 (docs/wire-protocol.md). Pure functions."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from hub.event import DEVICE_PATTERN, DeviceName, Name, Plain, Side, UtcTime

PREFIX = "lenshub/v1"
UPWARD_FILTERS = tuple(f"{PREFIX}/+/{kind}" for kind in ("hello", "events/+/+", "gap", "status"))
MAX_SEQ = 2**62

Epoch = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,32}$")]
Seq = Annotated[int, Field(ge=0, le=MAX_SEQ)]

_EVENT_TOPIC = re.compile(
    rf"{PREFIX}/({DEVICE_PATTERN.strip('^$')})/events/([0-9a-f]{{8,32}})/([1-9][0-9]{{0,18}})"
)
_UPWARD_TOPIC = re.compile(rf"{PREFIX}/([^/]+)/(hello|gap|status|events)(?:/.*)?")
_DEVICE = re.compile(DEVICE_PATTERN)


class Position(NamedTuple):
    """Where a record stands in its device's line: number `seq` (from 1) within `epoch`."""

    device: str
    epoch: str
    seq: int


class AgentModel(Plain):
    """A model the agent runs; width and height of its input in pixels."""

    name: Name
    version: Name
    width: Side
    height: Side


class Hello(Plain):
    """The agent's question "where do you stand?": `first` is the oldest record it has, `next` the number
    its next record will get, `now` its clock. `nonce` comes back in the ack that answers it."""

    epoch: Epoch
    first: Annotated[int, Field(ge=1, le=MAX_SEQ)]
    next: Annotated[int, Field(ge=1, le=MAX_SEQ)]
    now: UtcTime
    agent: Name
    nonce: Name
    models: Annotated[tuple[AgentModel, ...], Field(max_length=16)] = ()


class Ack(Plain):
    """The hub's answer: everything up to `seq` of `epoch` is committed. With `hello` (the nonce of a
    hello) it also sets where sending resumes, and says the hub's time; without, it only lets the agent
    delete."""

    epoch: Epoch
    seq: Seq
    hello: Name | None = None
    now: UtcTime | None = None


class Gap(Plain):
    """Records `first` to `last` of `epoch` are gone and will not be sent."""

    epoch: Epoch
    first: Annotated[int, Field(ge=1, le=MAX_SEQ)]
    last: Annotated[int, Field(ge=1, le=MAX_SEQ)]
    reason: Name


CHECKED = "checked"
"""The text of what `lenshub-edge check` leaves: `offline`, of a device that need never have run."""


class AgentStatus(Plain):
    """What a device says of itself, retained; the last will says offline."""

    state: Name
    at: UtcTime | None = None
    text: Annotated[str, StringConstraints(max_length=2000)] = ""


def upward(device: DeviceName, kind: str) -> str:
    """Return the topic on which a device sends `hello`, `gap` or `status`."""
    return f"{PREFIX}/{device}/{kind}"


def event_topic(position: Position) -> str:
    """Return the topic of one record."""
    return f"{PREFIX}/{position.device}/events/{position.epoch}/{position.seq}"


def ack_topic(device: DeviceName) -> str:
    """Return the topic on which the hub answers a device."""
    return f"{PREFIX}/{device}/ack"


def parse_position(topic: str) -> Position | None:
    """Return the position an event topic names, or None for any other topic."""
    match = _EVENT_TOPIC.fullmatch(topic)
    if match is None or (seq := int(match[3])) > MAX_SEQ:
        return None
    return Position(match[1], match[2], seq)


def parse_upward(topic: str) -> tuple[str, str] | None:
    """Return (device, kind) of an upward topic, or None when it is none or the name is not allowed."""
    match = _UPWARD_TOPIC.fullmatch(topic)
    return (match[1], match[2]) if match and _DEVICE.fullmatch(match[1]) else None


def join_record(event_line: bytes, picture: bytes | None) -> bytes:
    """Return a record's payload: one line of JSON, then, if there is a picture, a line feed and the JPEG.

    Raises:
        ValueError: The JSON is not on one line.
    """
    if b"\n" in event_line:
        raise ValueError("the event must be one line of JSON")
    return event_line if picture is None else event_line + b"\n" + picture


def split_record(payload: bytes) -> tuple[bytes, bytes | None]:
    """Return (event line, picture or None) of a record's payload."""
    line, feed, picture = payload.partition(b"\n")
    return line, picture if feed else None

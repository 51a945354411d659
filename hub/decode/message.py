"""What goes into a decoder and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hub.errors import PayloadError
from hub.event import NewEvent
from hub.wire.protocol import Gap, Hello, Position

StatusKind = Literal["online", "offline", "error", "model_loaded", "image_link", "info", "gap", "clock_skew"]


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes from outside, as a source received them.

    `mid`, `session` and `duplicate` are the MQTT message id, this hub's connection and the broker's DUP
    flag; they are kept so that redeliveries of messages without an identity can be told apart.
    """

    source: str
    topic: str
    payload: bytes
    received_at: datetime
    mid: int | None = None
    session: str | None = None
    duplicate: bool = False


class Status(BaseModel):
    """What a device said of its own state: state of the device, not a detection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    kind: StatusKind
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the hub makes of one message.

    `picture` is the frame of the first event. `position` is the message's place in an edge agent's line;
    it is known, and consumed, even where `error` says why nothing else could be read.
    """

    events: tuple[NewEvent, ...] = ()
    statuses: tuple[Status, ...] = ()
    picture: bytes | None = None
    position: Position | None = None
    hello: Hello | None = None
    gap: Gap | None = None
    device: str | None = None
    error: PayloadError | None = None


Decoder = Callable[[Message], Decoded]

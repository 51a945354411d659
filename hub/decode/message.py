"""What goes into a decoder and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from hub.errors import PayloadError
from hub.event import MAX_INTEGER, Detection, NewEvent, Plain
from hub.wire.protocol import Gap, Hello, Position

StatusKind = Literal["online", "offline", "error", "model_loaded", "image_link", "info", "gap", "clock_skew"]


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes from outside, as a source received them.

    `mid`, `session` and `duplicate` are the MQTT message id, the session at the broker (which outlives
    connections) and the broker's DUP flag: what redeliveries of messages without an identity are known by.
    """

    source: str
    topic: str
    payload: bytes
    received_at: datetime
    mid: int | None = None
    session: str | None = None
    duplicate: bool = False


class Newest(NamedTuple):
    """The newest event of a camera that has a label: what a message without an identity is about."""

    device: str
    camera: str
    label: str


class Reviewed(NamedTuple):
    """The event, by the id of its first row, on which reviewers' words stand as said; None: they are gone.

    `detections` are None where they stay those of before.
    """

    event_id: int
    words: dict[str, str] | None
    detections: tuple[Detection, ...] | None = None


Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Duration = Annotated[float, Field(ge=0, le=1e9)]


class Health(Plain):
    """What an agent measures of itself; counts are since it started.

    Source: the agent's status message (docs/edge.md).
    """

    fps: Annotated[float, Field(ge=0, le=1e6)] | None = None
    inference_ms_p50: Duration | None = None
    inference_ms_p95: Duration | None = None
    frames: Count | None = None
    events: Count | None = None
    withheld: Count | None = None
    dropped: Count | None = None
    spool_records: Count | None = None
    spool_bytes: Count | None = None
    temperature_c: Annotated[float, Field(ge=-300, le=2000)] | None = None


class Status(BaseModel):
    """What a device said of its own state: state of the device, not a detection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    kind: StatusKind
    text: str
    at: datetime
    health: Health | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the hub makes of one message.

    `picture` is the frame of the first event. `image_link` belongs to the device's next event, which the
    writer joins; an amendment without a key is `about` one that the writer finds. `position` is the message's
    place in an edge agent's line; it is known, and consumed, even where `error` says why nothing else could
    be read.
    """

    events: tuple[NewEvent, ...] = ()
    statuses: tuple[Status, ...] = ()
    picture: bytes | None = None
    image_link: str | None = None
    about: Newest | Reviewed | None = None
    position: Position | None = None
    hello: Hello | None = None
    gap: Gap | None = None
    device: str | None = None
    error: PayloadError | None = None


Decoder = Callable[[Message], Decoded]

"""The lines of JSON that the hub and a plugin's process say to each other; each side checks what it reads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from hub.dispatch.trace import MAX_LINES
from hub.event import Event, Name, Plain
from hub.plugin import Captured, CaptureLimit, DeviceSeen, Digest, EffectSeen, Limit, RejectedSeen

LONGEST_LINE = 1_048_576  # bytes; an event with 1000 detections takes about 300,000
TEXT_CHARS = 2000
MOST_EFFECTS = 10_000

_HEX = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")

Number = Annotated[int, Field(ge=0, le=2**53)]
Text = Annotated[str, Field(max_length=TEXT_CHARS)]
SignalName = Literal["Skip", "RetryLater", "Reject", "AlreadyDone", "OutcomeUnknown"]


class Raised(Plain):
    """An exception on its way to the other side; `signal` is set for those of `hub.plugin`."""

    name: Annotated[str, Field(max_length=200)]
    text: Text
    signal: SignalName | None = None
    after_s: float | None = None
    trace: Annotated[tuple[Text, ...], Field(max_length=MAX_LINES)] = ()


class Start(Plain):
    """The first line to the process: which instance it is to be, or only to make and end (`only_try`).

    `cells` is the descriptor of the file in which it shows what it does.
    """

    name: Name
    table: dict[str, Any]
    data_dir: str
    path: list[str]
    memory_mb: int
    hub_pid: int
    cells: int
    log_level: int
    only_try: bool = False


class FrameLine(Plain):
    """Where a frame lies."""

    digest: str
    width: int
    height: int
    media_type: str
    path: str


class Deliver(Plain):
    """Deliver an event; `number` is this attempt's in the conversation."""

    kind: Literal["deliver"]
    number: Number
    attempt: int
    frame: FrameLine | None
    event: Event


class TellDigest(Plain):
    """Deliver a digest; it waits for no delivery, nor does any for it."""

    kind: Literal["digest"] = "digest"
    number: Number
    attempt: int
    frame: FrameLine | None
    digest: Digest


class Tick(Plain):
    """Look at the clock; likewise."""

    kind: Literal["tick"] = "tick"
    number: Number
    now: datetime


class Cancel(Plain):
    """Cancel a delivery, digest or tick: it took too long, or the hub stops."""

    kind: Literal["cancel"]
    number: Number


class Answer(Plain):
    """The hub's answer to a question: the member that was asked for, or what the hub raised."""

    model_config = _HEX
    kind: Literal["answer"] = "answer"
    question: Number
    count: int = 0
    effects: tuple[EffectSeen, ...] = ()
    devices: tuple[DeviceSeen, ...] = ()
    events: tuple[Event, ...] = ()
    captured: Captured | None = None
    shares: dict[str, float] = Field(default_factory=dict)
    rejected: tuple[RejectedSeen, ...] = ()
    raised: Raised | None = None


class Ready(Plain):
    """The plugin was made and entered, with the hooks it has, or not: then with everything that is wrong."""

    kind: Literal["ready"] = "ready"
    problems: tuple[str, ...] = ()
    hooks: frozenset[str] = frozenset()


class Ended(Plain):
    """What a delivery, digest or tick came to."""

    kind: Literal["ended"] = "ended"
    number: Number
    note: Text | None = None
    raised: Raised | None = None


class Status(Plain):
    """What the plugin's own `status` said, or raised, when it was last asked."""

    kind: Literal["status"] = "status"
    said: Text | None = None
    raised: Raised | None = None


class Once(Plain):
    """Begin a guarded effect; see `hub.plugin.Delivery.once`."""

    kind: Literal["once"] = "once"
    question: Number
    number: Number
    key: str
    group: str = ""
    amount: float = 0.0
    cooldown_s: float = 0.0
    repeatable: bool = False
    limits: Annotated[tuple[Limit, ...], Field(max_length=100)] = ()
    not_after: datetime | None = None


class Close(Plain):
    """The block of a guarded effect was left; the question is the one that began it."""

    kind: Literal["close"] = "close"
    question: Number
    raised: Raised | None = None


class Count(Plain):
    """Count events; see `hub.plugin.Delivery.count_events`."""

    kind: Literal["count"] = "count"
    question: Number
    number: Number
    since: datetime
    label: str | None = None
    device: str | None = None
    camera: str | None = None
    min_confidence: float = 0.0


class CountEffects(Plain):
    """Count effects of a group; see `hub.plugin.Delivery.count_effects`."""

    kind: Literal["count_effects"] = "count_effects"
    question: Number
    number: Number
    group: str


class Effects(Plain):
    """Look effects up; see `hub.plugin.Recall.effects`."""

    kind: Literal["effects"] = "effects"
    question: Number
    number: Number
    key: str | None = None
    prefix: str = ""
    group: str | None = None
    since: datetime | None = None
    limit: Annotated[int, Field(ge=0, le=MOST_EFFECTS)] = 1000


class Devices(Plain):
    """Look devices up; see `hub.plugin.Recall.devices`."""

    kind: Literal["devices"] = "devices"
    question: Number
    number: Number


class SameFrame(Plain):
    """Look up events of the same picture; see `hub.plugin.Recall.same_frame`."""

    kind: Literal["same frame"] = "same frame"
    question: Number
    number: Number
    event: Event


class Newest(Plain):
    """Look the newest event up; see `hub.plugin.Recall.newest`."""

    kind: Literal["newest"] = "newest"
    question: Number
    number: Number
    device: str | None = None
    camera: str | None = None
    label: str | None = None
    min_confidence: float = 0.0


class FindCaptured(Plain):
    """Look up the event's own capture; see `hub.plugin.Delivery.captured`."""

    kind: Literal["captured"] = "captured"
    question: Number
    number: Number


class Capture(Plain):
    """Choose the event as training data; see `hub.plugin.Delivery.capture`."""

    model_config = _HEX
    kind: Literal["capture"] = "capture"
    question: Number
    number: Number
    reasons: Annotated[tuple[Text, ...], Field(max_length=100)]
    score: float
    label: str | None
    likeness: Annotated[bytes, Field(max_length=100)] | None
    limits: Annotated[tuple[CaptureLimit, ...], Field(max_length=100)]
    near_bits: int
    near_among: int


class LabelShares(Plain):
    """Look up how often labels are seen; see `hub.plugin.Recall.label_shares`."""

    kind: Literal["label shares"] = "label shares"
    question: Number
    number: Number
    event: Event
    among: int


class Rejected(Plain):
    """Look up what reviewers rejected; see `hub.plugin.Recall.rejected`."""

    kind: Literal["rejected"] = "rejected"
    question: Number
    number: Number
    since: datetime
    limit: int


Lookup = (
    Count
    | CountEffects
    | Effects
    | Devices
    | SameFrame
    | Newest
    | FindCaptured
    | Capture
    | LabelShares
    | Rejected
)
Said = Ready | Ended | Status | Once | Close | Lookup
FromHub: TypeAdapter[Deliver | TellDigest | Tick | Cancel | Answer] = TypeAdapter(
    Annotated[Deliver | TellDigest | Tick | Cancel | Answer, Field(discriminator="kind")]
)
FromProcess: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="kind")])


def as_line(said: Plain) -> bytes:
    """Return a line as it goes through the pipe."""
    return said.__pydantic_serializer__.to_json(said, exclude_defaults=False) + b"\n"


def deliver_line(number: int, attempt: int, frame: FrameLine | None, event: Event) -> bytes:
    """Return the line of a `Deliver`, put together by hand: it is the one line of which there are many."""
    event_json = event.__pydantic_serializer__.to_json(event)
    frame_json = frame.__pydantic_serializer__.to_json(frame) if frame else b"null"
    return b'{"kind":"deliver","number":%d,"attempt":%d,"frame":%b,"event":%b}\n' % (
        number, attempt, frame_json, event_json,
    )  # fmt: skip

"""The event: what one message or picture says of one moment on one device. Schema version 1.

All models are frozen. Unknown members are refused by default; decoders of a sender's format pass
`extra="ignore"`, so that a newer sender does not break an older hub.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

SCHEMA_VERSION = 1
DEVICE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f\uFFFE\uFFFF]*$"
"""No control characters, and none that neither XML 1.0 nor YAML can hold."""
MAX_DETECTIONS = 1000
MAX_ATTRIBUTES = 64
MAX_CAMERA_CHARS = 200
MAX_KEY_CHARS = 500
MAX_ATTRIBUTES_CHARS = 8192
MAX_ATTRIBUTES_DEPTH = 4
MAX_INTEGER = 2**63 - 1
BOX_PIXELS = "box_pixels"
"""The attribute of a detection with its box, [xmin, ymin, xmax, ymax], where the frame's size is unknown."""


def _as_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("bad_time", "time is outside the years 1 to 9999") from error


def _measure_text(value: str) -> int:
    if "\x00" in value or not (value.isascii() or value.isprintable() or _is_storable(value)):
        raise PydanticCustomError("bad_text", "attributes hold a NUL or a lone surrogate")
    return len(value)


def _is_storable(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _measure(value: JsonValue, depth: int) -> int:
    """Return the rough size in characters of a JSON value that every database can keep."""
    if isinstance(value, str):
        return _measure_text(value)
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise PydanticCustomError("out_of_range", "attributes hold an integer beyond 64 bits")
        return 8
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PydanticCustomError("not_finite", "attributes hold a number that is not finite")
        return 8
    if depth == MAX_ATTRIBUTES_DEPTH and isinstance(value, (list, dict)):
        raise PydanticCustomError("too_deep", f"attributes are nested deeper than {depth} levels")
    if isinstance(value, list):
        return sum(_measure(item, depth + 1) for item in value)
    return _measure_members(value, depth + 1) if isinstance(value, dict) else 8


def _measure_members(members: dict[str, JsonValue], depth: int) -> int:
    size = 0
    for name, value in members.items():
        size += _measure_text(name) + _measure(value, depth)
    return size


def _check_attributes(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if value and _measure_members(value, 1) > MAX_ATTRIBUTES_CHARS:
        raise PydanticCustomError(
            "out_of_range", f"attributes are larger than {MAX_ATTRIBUTES_CHARS} characters"
        )
    return value


UtcTime = Annotated[AwareDatetime, AfterValidator(_as_utc)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROLS)]
_NAME: TypeAdapter[str] = TypeAdapter(Name)
DeviceName = Annotated[str, StringConstraints(pattern=DEVICE_PATTERN)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Extent = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=1, le=65535)]
Attributes = Annotated[
    dict[str, JsonValue], Field(max_length=MAX_ATTRIBUTES), AfterValidator(_check_attributes)
]


def is_name(value: object) -> bool:
    """Whether a value can be a label, or another `Name`: of any signs but controls."""
    try:
        _NAME.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


Made = TypeVar("Made", bound="NewEvent")


class Plain(BaseModel):
    """A frozen value whose unknown members are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Box(Plain):
    """A rectangle in fractions of the frame's width and height; it may reach outside 0..1."""

    left: Coordinate
    top: Coordinate
    width: Extent
    height: Extent

    @classmethod
    def from_corners(cls, xmin: float, ymin: float, xmax: float, ymax: float) -> Self:
        """Build a box from its corners, in fractions of the frame."""
        return cls(left=xmin, top=ymin, width=xmax - xmin, height=ymax - ymin)

    def corners_in(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return (xmin, ymin, xmax, ymax) in pixels of a picture of width x height pixels."""
        return (
            self.left * width,
            self.top * height,
            (self.left + self.width) * width,
            (self.top + self.height) * height,
        )


class Detection(Plain):
    """One label with a confidence (0..1) and perhaps a box."""

    label: Name
    confidence: Fraction
    box: Box | None = None
    class_id: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    track: Name | None = None
    attributes: Attributes = Field(default_factory=dict)


class Model(Plain):
    """The model that made the detections."""

    name: Name
    version: Name


class Frame(Plain):
    """A picture kept in the frame store, by its SHA-256 digest; width and height in pixels."""

    digest: Digest
    width: Side
    height: Side
    media_type: Literal["image/jpeg", "image/png"]


class DroppedFrame(Plain):
    """There was a picture, but it was given up before it reached the store."""

    dropped: Name


@lru_cache
def _fields_of(kind: type[BaseModel]) -> set[str]:
    return set(kind.model_fields)


def _assemble(kind: type[Made], values: dict[str, Any]) -> Made:
    """Return a model of values known to be right; pydantic's `model_construct` takes 5 us an event for it."""
    event = kind.__new__(kind)
    object.__setattr__(event, "__dict__", values)
    object.__setattr__(
        event, "__pydantic_fields_set__", _fields_of(kind)
    )  # pydantic copies it before it adds
    object.__setattr__(event, "__pydantic_extra__", None)
    object.__setattr__(event, "__pydantic_private__", None)
    return event


class NewEvent(Plain):
    """An event as decoders and the edge agent make it, not yet stored."""

    kind: Literal["event", "amendment"] = "event"
    key: (
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_KEY_CHARS, pattern=NO_CONTROLS)] | None
    ) = Field(
        default=None, description="Deduplication key; absent where the sender has no identity for a message."
    )
    source: Name
    device: DeviceName
    captured_at: UtcTime
    model: Model | None = None
    frame: Frame | DroppedFrame | None = None
    detections: Annotated[tuple[Detection, ...], Field(max_length=MAX_DETECTIONS)] = ()
    attributes: Attributes = Field(default_factory=dict)

    @classmethod
    def from_line(cls, line: Plain, *, source: str, device: str, key: str) -> Self:
        """Return an event of an agent's validated line, under the names that the hub knows.

        Args:
            line: Has every other member of an event, and no more than those and these.
        """
        names = {"kind": "event", "source": source, "device": device, "key": key}
        return _assemble(cls, {**line.__dict__, **names})

    @property
    def camera(self) -> str | None:
        """Which of its device's cameras saw it, or None where the device does not say."""
        name = self.attributes.get("camera")
        return name if isinstance(name, str) and 0 < len(name) <= MAX_CAMERA_CHARS else None

    @property
    def labels(self) -> frozenset[str]:
        """The labels seen, each once."""
        return frozenset(detection.label for detection in self.detections)

    def best(self) -> Detection | None:
        """Return the detection with the highest confidence, or None when there is none."""
        return max(self.detections, key=lambda detection: detection.confidence, default=None)


class Event(NewEvent):
    """An event as stored: `id` grows in commit order and is never used again."""

    id: Annotated[int, Field(ge=1)]
    received_at: UtcTime
    amends: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Of an amendment, the id of the event; the rest is as it stands from then on.",
    )

    @classmethod
    def from_new(cls, new: NewEvent, event_id: int, received_at: datetime, amends: int | None = None) -> Self:
        """Return a new event as it is stored.

        Nothing is validated again.
        """
        return _assemble(cls, {**new.__dict__, "id": event_id, "received_at": received_at, "amends": amends})

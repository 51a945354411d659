"""What was said of a picture, as a message: a line of JSON, a line feed, the picture."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from hub.decode.message import Message
from hub.errors import PayloadError
from hub.event import NO_CONTROLS, DeviceName, Plain, Side, UtcTime
from hub.images.image import Image, ImageType, Origin, S3Object

TOPIC = "images/"
MAX_TOPIC_CHARS = 200

Key = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_CONTROLS)]


class GateSaid(Plain):
    """What a gate said; with `audit` it refused the picture, which was sent all the same."""

    name: str
    score: float
    threshold: float
    audit: bool = False


class Refusal(Plain):
    """Why nothing can be said of the picture."""

    code: str
    reason: str


class _Picture(Plain):
    key: Key
    name: str
    device: DeviceName
    captured_at: UtcTime
    media_type: ImageType | None = None
    width: Side | None = None
    height: Side | None = None
    orientation: Annotated[int, Field(ge=1, le=8)] = 1
    s3: S3Object | None = None


class _Line(Plain):
    image: _Picture
    gate: GateSaid | None = None
    answer: JsonValue = None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture and what was said of it: `answer` is what `classify` returned."""

    image: Image
    answer: JsonValue
    gate: GateSaid | None = None


def write(
    image: Image, answer: JsonValue, gate: GateSaid | None, received_at: datetime, source: str
) -> Message:
    """Return the message of a picture that was classified.

    Raises:
        ValueError: The answer holds NaN, or what JSON does not know.
    """
    line = {"image": _facts(image), "gate": gate and gate.model_dump(), "answer": answer}
    return _message(image.name, line, image.data, received_at, source)


def write_refused(
    picture: Origin, key: str, refusal: Refusal, data: bytes, received_at: datetime, source: str
) -> Message:
    """Return the message of a picture that no attempt can classify; to read it raises the refusal."""
    line = {"image": {"key": key} | _origin(picture), "refused": refusal.model_dump()}
    return _message(picture.name, line, data, received_at, source)


def _facts(image: Image) -> dict[str, Any]:
    measured = ("key", "media_type", "width", "height", "orientation")
    return _origin(image) | {name: getattr(image, name) for name in measured}


def _origin(picture: Origin | Image) -> dict[str, Any]:
    s3 = picture.s3
    return {
        "name": picture.name,
        "device": picture.device,
        "captured_at": picture.captured_at.isoformat(),
        "s3": s3 and {name: getattr(s3, name) for name in s3.__slots__},
    }


def _message(name: str, line: dict[str, Any], picture: bytes, received_at: datetime, source: str) -> Message:
    text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    payload = text.encode(errors="replace") + b"\n" + picture
    return Message(source, TOPIC + printable(name)[:MAX_TOPIC_CHARS], payload, received_at)


def printable(text: str) -> str:
    """Return text that can stand in a topic or a name: what is not printable becomes a question mark."""
    return "".join(c if c.isprintable() else "?" for c in text)


def name_of(message: Message) -> str | None:
    """Return the printable name of the picture that such a message holds; None of any other message."""
    found = _find_picture(message)
    return None if found is None else printable(found.name)


def device_of(message: Message) -> str | None:
    """Return the device of the picture that such a message holds; None of any other, also of a stranger's."""
    found = None if message.source == "mqtt" else _find_picture(message)
    return None if found is None else found.device


def _find_picture(message: Message) -> _Picture | None:
    if not message.topic.startswith(TOPIC):
        return None
    try:
        return _Line.model_validate_json(message.payload[: message.payload.find(b"\n")]).image
    except ValidationError:
        return None


def read_classified(message: Message) -> Seen:
    """Return the picture and the answer that a message holds.

    Raises:
        PayloadError: `not_classified` where it is no such message, or the code with which it was refused.
    """
    text, separator, picture = message.payload.partition(b"\n")
    try:
        line = _Line.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PayloadError("not_classified", f"line {where}: {first['msg']}") from error
    if line.refused is not None:
        raise PayloadError(line.refused.code, line.refused.reason)
    return Seen(_image(line.image, picture if separator else b""), line.answer, line.gate)


def _image(found: _Picture, data: bytes) -> Image:
    if found.media_type is None or found.width is None or found.height is None or not data:
        raise PayloadError("not_classified", "the picture, its media_type, width or height is missing")
    facts = {name: getattr(found, name) for name in type(found).model_fields}
    return Image(data=data, **facts)

"""Makes one event of all that Rekognition said of a picture, or of one moment of a video. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from hub.event import MAX_DETECTIONS, Detection, DeviceName, Model, NewEvent, Plain, UtcTime
from hub.plugin import Decoded, Message, PayloadError, Seen, read_classified
from plugins.rekognition_answer import Answer, Entry, SearchAnswer
from plugins.rekognition_found import FINDERS, find_collected_faces, printable

if TYPE_CHECKING:
    from plugins.rekognition_settings import RekognitionSettings

VIDEO_TOPIC = "video/"
MAX_ENTRIES = 16
MAX_NAME_CHARS = 1024
MAX_NOTE_CHARS = 200
MAX_VIDEO_MS = 10**10

_ENTRIES = TypeAdapter(Annotated[list[Entry], Field(min_length=1, max_length=MAX_ENTRIES)])


class Moment(Plain):
    """What a job said of one moment of a stored video.

    `began_at` is when the video is taken to begin, `at_ms` how far into it this was.
    """

    job: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]
    device: DeviceName
    began_at: UtcTime
    at_ms: Annotated[int, Field(ge=0, le=MAX_VIDEO_MS)]
    bucket: Annotated[str, Field(max_length=300)]
    key: Annotated[str, Field(max_length=MAX_NAME_CHARS)]
    entry: Entry


def decode(message: Message, settings: RekognitionSettings) -> Decoded:
    """Return the event of a message.

    Raises:
        PayloadError: `bad_answer`, `bad_video`, or what `read_classified` raises.
    """
    try:
        if message.topic.startswith(VIDEO_TOPIC):
            return _decode_moment(message, settings)
        return _decode_picture(message, settings)
    except ValidationError as error:
        raise PayloadError("bad_answer", _describe(error)) from error


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = printable(".".join(str(step) for step in first["loc"]), 100)
    return f"Rekognition's answer: {place}: {first['msg'][:200]}"


def _decode_picture(message: Message, settings: RekognitionSettings) -> Decoded:
    seen = read_classified(message)
    image = seen.image
    event = _make_event(
        _ENTRIES.validate_python(seen.answer),
        settings,
        {"name": printable(image.name, MAX_NAME_CHARS)} | _say_where(seen),
        key=image.key,
        source=message.source,
        device=image.device,
        captured_at=image.captured_at,
    )
    return Decoded(events=(event,), picture=image.data, device=image.device)


def _say_where(seen: Seen) -> dict[str, Any]:
    s3 = seen.image.s3
    said: dict[str, Any] = {} if seen.gate is None else {"gate": seen.gate.model_dump()}
    if s3 is not None:
        said["s3"] = {"bucket": printable(s3.bucket, 300), "key": printable(s3.key, MAX_NAME_CHARS)}
    return said


def _decode_moment(message: Message, settings: RekognitionSettings) -> Decoded:
    moment = _read_moment(message.payload)
    said = {
        "video": {"bucket": printable(moment.bucket, 300), "key": printable(moment.key, MAX_NAME_CHARS)},
        "video_ms": moment.at_ms,
    }
    event = _make_event(
        [moment.entry],
        settings,
        said,
        key=f"video:{moment.job}:{moment.at_ms}",
        source=message.source,
        device=moment.device,
        captured_at=_add_ms(moment.began_at, moment.at_ms),
    )
    return Decoded(events=(event,), device=moment.device)


def _read_moment(payload: bytes) -> Moment:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PayloadError(
            "bad_video", "not JSON; expected the notice of a finished Rekognition job"
        ) from error
    if isinstance(found, dict) and isinstance(found.get("refused"), str):
        raise PayloadError("bad_video", printable(found["refused"], MAX_NOTE_CHARS))
    return Moment.model_validate(found)


def _add_ms(began_at: datetime, at_ms: int) -> datetime:
    try:
        return began_at.astimezone(UTC) + timedelta(milliseconds=at_ms)
    except OverflowError as error:
        raise PayloadError("bad_video", f"{at_ms} ms after {began_at} is beyond the year 9999") from error


def _make_event(
    entries: list[Entry], settings: RekognitionSettings, said: dict[str, Any], **members: Any
) -> NewEvent:
    detections: list[Detection] = []
    notes: dict[str, JsonValue] = {}
    for entry in entries:
        found = list(_find(entry, settings))
        if entry.note:
            notes[entry.operation] = printable(entry.note, MAX_NOTE_CHARS)
        detections += found
    said |= {"operations": [entry.operation for entry in entries]}
    said |= {"notes": notes} if notes else {}
    if len(detections) > MAX_DETECTIONS:
        said["left_out"] = len(detections) - MAX_DETECTIONS
    return NewEvent(
        **members,
        model=_name_model(entries),
        detections=tuple(_best(detections)),
        attributes=said,
    )


def _best(detections: list[Detection]) -> Iterable[Detection]:
    """Return as many as an event takes, the surest ones, in the order they came."""
    if len(detections) <= MAX_DETECTIONS:
        return detections
    order = sorted(range(len(detections)), key=lambda place: -detections[place].confidence)
    return [detections[place] for place in sorted(order[:MAX_DETECTIONS])]


def _find(entry: Entry, settings: RekognitionSettings) -> Iterator[Detection]:
    if entry.operation == "search-faces":
        found = find_collected_faces(SearchAnswer.model_validate(entry.answer))
    elif entry.operation in FINDERS:
        found = FINDERS[entry.operation](Answer.model_validate(entry.answer), settings)
    else:
        raise PayloadError("bad_answer", f"operation {entry.operation!r} is not one that is known")
    more = {"operation": entry.operation, "model_version": _version(entry)}
    for detection in found:
        own = {name: value for name, value in more.items() if value}
        yield detection.model_copy(update={"attributes": own | detection.attributes})


def _version(entry: Entry) -> str:
    found = entry.model or next(
        (entry.answer[name] for name in sorted(entry.answer) if name.endswith("ModelVersion")), ""
    )
    return printable(found, 60) if isinstance(found, str) else ""


def _name_model(entries: list[Entry]) -> Model:
    versions = [f"{entry.operation} {_version(entry)}".strip() for entry in entries]
    return Model(name="rekognition", version=printable(", ".join(versions), 200))

"""Decodes what DeepLens functions publish on `$aws/things/<thing>/infer`: texts and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from hub.decode.aliases import AliasTable
from hub.decode.limits import Limits, check_json, check_size, check_text
from hub.decode.message import Decoded, Decoder, Message, Status, StatusKind
from hub.decode.printing import quote, show
from hub.decode.refusal import refuse
from hub.errors import PayloadError
from hub.event import MAX_DETECTIONS, MAX_INTEGER, Fraction, Name, NewEvent, Plain

SOURCE = "deeplens"
MAX_TEXT_CHARS = 2000

_TOPIC = re.compile(r"\$aws/things/([^/]+)/infer")
_TIME = re.compile(r"\d{8}-\d{6}", re.ASCII)
_LINK = re.compile(r"https?://[!-~]+")

Members = tuple[tuple[str, Any], ...]


class _Object(Plain):
    """One detection of a record; a label read from a file may have kept its line's end."""

    object: Annotated[Name, StringConstraints(strip_whitespace=True)]
    confidence: Fraction
    index: JsonValue = None


class _Record(Plain):
    """The later functions' record of one frame; only `objects` is needed."""

    objects: Annotated[tuple[_Object, ...], Field(max_length=MAX_DETECTIONS)]
    device_id: JsonValue = None
    timestamp: JsonValue = None
    link_to_img: JsonValue = None


def _refuse_constant(name: str) -> NoReturn:
    raise PayloadError("not_finite", f"found {name}, which is not JSON")


def _parse_members(text: str) -> Members:
    """Return an object's (name, value) pairs in order, duplicates included; nested objects likewise."""
    try:
        members = json.loads(text, object_pairs_hook=tuple, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise PayloadError("not_json", show(f"{error}; found {quote(text)}")) from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise PayloadError("out_of_range", f"a number is too long; found {quote(text)}") from error
    if not isinstance(members, tuple):
        raise PayloadError("unknown_shape", f"an array is no DeepLens message; found {quote(text)}")
    return members


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _build_event(
    device: str,
    captured_at: datetime,
    detections: Iterable[dict[str, Any]] = (),
    attributes: dict[str, str] | None = None,
) -> NewEvent:
    # No key: these messages have no identity and repeat byte for byte, so none may be taken for a duplicate.
    content = {
        "source": SOURCE,
        "device": device,
        "captured_at": captured_at,
        "detections": tuple(detections),
        "attributes": attributes or {},
    }
    try:
        return NewEvent.model_validate(content)
    except ValidationError as error:
        raise refuse(error) from error


def _status(message: Message, device: str, kind: StatusKind, text: str) -> Decoded:
    status = Status(device=device, kind=kind, text=show(text, MAX_TEXT_CHARS), at=message.received_at)
    return Decoded(statuses=(status,), device=device)


def _decode_text(message: Message, device: str, text: str) -> Decoded:
    line = " ".join(text.split())
    if line == "NO DETECTIONS MADE":
        return Decoded(events=(_build_event(device, message.received_at),), device=device)
    if line.startswith("Error in "):
        return _status(message, device, "error", line)
    if not line or len(line) > MAX_TEXT_CHARS or not line.isprintable():
        found = f"neither JSON nor printable text of 1 to {MAX_TEXT_CHARS} characters; found {quote(text)}"
        raise PayloadError("unknown_shape", found)
    return _status(message, device, "model_loaded" if line.endswith("model loaded") else "info", line)


def _is_link(text: str) -> bool:
    return len(text) <= MAX_TEXT_CHARS and _LINK.fullmatch(text) is not None


def _decode_link(device: str, link: str) -> Decoded:
    if not _is_link(link):
        expected = f"an http or https address of at most {MAX_TEXT_CHARS} characters"
        raise PayloadError("bad_link", f"img: expected {expected}; found {quote(link)}")
    return Decoded(image_link=link, device=device)


def _decode_probabilities(message: Message, device: str, members: Members) -> Decoded:
    """Read `{label: probability, ...}`, or `{"prob": ..., "prob": ..., label: "true"}`.

    AWS's own sample function ends its hand-built object with `"null": 0.0`, to have no comma at the end.
    """
    members = tuple(member for member in members if member != ("null", 0))
    numbers = [(name, value) for name, value in members if _is_number(value)]
    if members and not numbers:
        names = [name for name, _ in members[:8]]
        raise PayloadError("unknown_shape", show(f"an object without probabilities; its members are {names}"))
    flags = [name for name, value in members if value is True or value == "true"]
    if flags and all(name == "prob" for name, _ in numbers):
        numbers = [(flags[0], value) for _, value in numbers]
    detections = [{"label": name.strip(), "confidence": value} for name, value in numbers]
    return Decoded(events=(_build_event(device, message.received_at, detections),), device=device)


def _parse_record(text: str) -> _Record:
    try:
        return _Record.model_validate_json(text, strict=True, extra="ignore")
    except ValidationError as error:
        raise refuse(error, text.encode()) from error


def _read_time(found: JsonValue, zone: ZoneInfo) -> datetime:
    """Return a device-local time as UTC; of an hour that comes twice in autumn, the first."""
    if isinstance(found, str) and _TIME.fullmatch(found):
        try:
            return datetime.strptime(found, "%Y%m%d-%H%M%S").replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise PayloadError("bad_time", f"timestamp: {error}; found {quote(found)}") from error
    raise PayloadError("bad_time", f"timestamp: expected 20180816-183152 (local time); found {quote(found)}")


def _record_attributes(record: _Record, device: str, thing: str, table: AliasTable) -> dict[str, str]:
    attributes = {}
    claimed, link = record.device_id, record.link_to_img
    if isinstance(claimed, str) and claimed not in (device, thing):
        if table.is_another(claimed, device):
            found = f"the topic belongs to {device}, but the payload says {quote(claimed)}"
            raise PayloadError("device_mismatch", found)
        attributes["device_id"] = claimed
    if isinstance(link, str) and _is_link(link):
        attributes["link_to_img"] = link
    return attributes


def _read_object(seen: _Object) -> dict[str, Any]:
    detection: dict[str, Any] = {"label": seen.object, "confidence": seen.confidence}
    if isinstance(seen.index, int) and abs(seen.index) <= MAX_INTEGER:
        detection["attributes"] = {"index": seen.index}
    return detection


def _decode_record(message: Message, device: str, thing: str, text: str, table: AliasTable) -> Decoded:
    record = _parse_record(text)
    attributes = _record_attributes(record, device, thing, table)
    captured_at = message.received_at
    if record.timestamp is not None:
        captured_at = _read_time(record.timestamp, table.zone_of(thing))
    detections = [_read_object(seen) for seen in record.objects]
    return Decoded(events=(_build_event(device, captured_at, detections, attributes),), device=device)


def _decode_json(message: Message, device: str, thing: str, text: str, table: AliasTable) -> Decoded:
    members = _parse_members(text)
    named = dict(members)
    if "objects" in named:
        return _decode_record(message, device, thing, text, table)
    link = named.get("img")
    if isinstance(link, str) and not any(_is_number(value) for _, value in members):
        return _decode_link(device, link)
    return _decode_probabilities(message, device, members)


def _thing_on(topic: str) -> str | None:
    match = _TOPIC.fullmatch(topic)
    return match[1] if match else None


def device_on(topic: str, table: AliasTable) -> str | None:
    """Return the device a thing's topic names, or None when it names none or has no name we allow."""
    thing = _thing_on(topic)
    return table.device_of(thing) if thing else None


def make_decoder(table: AliasTable, limits: Limits) -> Decoder:
    """Return the decoder of `$aws/things/<thing>/infer`; the thing on the topic is the authority.

    It raises PayloadError; docs/payloads.md has the codes.
    """

    def decode(message: Message) -> Decoded:
        thing, device = _thing_on(message.topic), device_on(message.topic, table)
        if thing is None:
            raise PayloadError("bad_topic", show(f"{message.topic}: expected $aws/things/<thing>/infer"))
        if device is None:
            raise PayloadError("bad_topic", show(f"{thing}: not a device name; give this thing an alias"))
        check_size(message.payload, limits)
        text = check_text(message.payload)
        if text.lstrip()[:1] not in ("{", "["):
            return _decode_text(message, device, text)
        check_json(message.payload, limits)
        return _decode_json(message, device, thing, text, table)

    return decode

"""Texts with `{field}` places from configuration: a few known fields, plain values, bounded output.

There is nothing to loop, call or reach through, so that no text can do harm; docs/design.md says why.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hub.event import Event

MAX_TEMPLATE_CHARS = 2000
MAX_RENDERED_CHARS = 4000
MAX_VALUE_CHARS = 500
MAX_LABELS = 10

# What each field looks like; a field's format is tried on it when the template is read.
SAMPLES: Mapping[str, str | float | int | datetime] = {
    "device": "Seattle01",
    "camera": "door",
    "place": "Seattle01, camera door",
    "label": "thumbs-up",
    "labels": "thumbs-up, fist",
    "confidence": 0.875,
    "count": 3,
    "time": datetime(2018, 8, 16, 18, 31, 52, tzinfo=UTC),
    "event_id": 1,
    "source": "mqtt",
    "what": "detections above 5 (7)",
    "value": 7.0,
    "message": "somebody liked the coffee",
}
_FIELD = re.compile(r"[a-z_]*")
_NOTHING_ELSE = "there are no attributes, indexes, calls, loops or conditions"
_LONG_NUMBER = re.compile(r"\d{4}")  # format() takes the digits of every script
_TIME_CODE = re.compile(r"%[-_0^#:EO]*.?")
_DOUBLED = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
# What ends a line; it becomes a space.
_LINE_END = re.compile(r"[\t-\r\x85\u2028\u2029]+")
# Control characters, what turns the direction of writing, what cannot be seen (but the joiners of emoji and
# Persian, and the space that `plugins.plain_text` puts in), lone surrogates, what is no character.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean_value(text: str) -> str:
    """Return text on one line, without what is invisible or turns writing, cut to `MAX_VALUE_CHARS`."""
    seen = _LINE_END.sub(" ", _UNWANTED.sub("", text))
    return seen if len(seen) <= MAX_VALUE_CHARS else seen[: MAX_VALUE_CHARS - 1] + "…"


def _check_doubled(text: str, known: frozenset[str]) -> None:
    for found in _DOUBLED.finditer(text):
        if (name := found[1]) in known:
            raise ValueError(f"{found[0]!r} would be the text '{{{name}}}'; the field is {{{name}}}")


def _check_part(name: str, spec: str, conversion: str | None, known: frozenset[str]) -> None:
    place = f"field {name!r}"
    if name not in known:
        plain = _FIELD.fullmatch(name)
        what = (
            f"unknown field {name!r} ("
            if plain
            else f"not a plain field: {clean_value(name)!r} ({_NOTHING_ELSE}; "
        )
        raise ValueError(f"{what}known: {', '.join(sorted(known))})")
    if conversion is not None:
        raise ValueError(f"{place}: conversion !{conversion} is not allowed")
    if "{" in spec or _LONG_NUMBER.search(spec):
        raise ValueError(f"{place}: the format {spec!r} must not be nested or wider than 999")
    if isinstance(SAMPLES[name], int) and spec.endswith("c"):
        raise ValueError(f"{place}: the format {spec!r} does not fit: not every number is a sign")
    try:
        format(SAMPLES[name], spec)
    except ValueError as error:
        raise ValueError(f"{place}: the format {spec!r} does not fit: {error}") from error
    for code in _TIME_CODE.findall(spec) if isinstance(SAMPLES[name], datetime) else ():
        if format(SAMPLES[name], code) == code:
            raise ValueError(f"{place}: the format {spec!r} has no code {code!r} (known: those of strftime)")


@dataclass(frozen=True, slots=True)
class Template:
    """A checked text with places for fields. `parse` makes one; `render` fills it."""

    text: str
    _parts: tuple[tuple[str, str | None, str], ...] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, known: frozenset[str]) -> Self:
        """Read a template such as `{label} at {time:%H:%M}`.

        Args:
            known: The fields it may use; each is a key of `SAMPLES`.

        Raises:
            ValueError: An unknown field, an attribute, index or loop, a nested or overlong format, a lone
                brace, a known field in doubled braces.
        """
        if len(text) > MAX_TEMPLATE_CHARS:
            raise ValueError(f"the template has {len(text)} characters; at most {MAX_TEMPLATE_CHARS}")
        _check_doubled(text, known)
        parts: list[tuple[str, str | None, str]] = []
        for literal, name, spec, conversion in string.Formatter().parse(text):
            if name is not None:
                _check_part(name, spec or "", conversion, known)
            parts.append((literal, name, spec or ""))
        return cls(text, tuple(parts))

    def render(self, values: Mapping[str, object]) -> str:
        """Return the text with its fields filled in, at most `MAX_RENDERED_CHARS` characters.

        Every text among the values is cleaned by `clean_value`.

        Args:
            values: Plain values, as in `SAMPLES`, for every field the template may use.
        """
        pieces: list[str] = []
        for literal, name, spec in self._parts:
            pieces.append(literal)
            if name is not None:
                value = values[name]
                plain = clean_value(value) if isinstance(value, str) else value
                pieces.append(_UNWANTED.sub("", format(plain, spec)))
        return "".join(pieces)[:MAX_RENDERED_CHARS]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let settings hold templates; `template_of` turns their text into one."""
        shown = core_schema.plain_serializer_function_ser_schema(lambda template: template.text)
        return core_schema.is_instance_schema(cls, serialization=shown)


def template_of(*known: str) -> BeforeValidator:
    """Return what makes `Annotated[Template, template_of("device", ...)]` a setting with these fields."""
    fields = frozenset(known)

    def read(value: object) -> object:
        if not isinstance(value, (str, Template)):
            raise ValueError("must be a text")  # noqa: TRY004 - pydantic reports ValueErrors, not TypeErrors
        return Template.parse(value, fields) if isinstance(value, str) else value

    return BeforeValidator(read)


def event_values(event: Event, label: str, confidence: float) -> dict[str, object]:
    """Return an event's values of all fields but count and message.

    `camera` is empty where the device does not name it; `place` is the device and, if it has a name, the
    camera; `labels` are all that were seen, each once and the surest first, ten at most.
    """
    return {
        "device": event.device,
        "camera": event.camera or "",
        "place": f"{event.device}, camera {event.camera}" if event.camera else event.device,
        "label": label,
        "labels": _join_labels(event),
        "confidence": confidence,
        "time": event.captured_at,
        "event_id": event.id,
        "source": event.source,
    }


def _join_labels(event: Event) -> str:
    surest = sorted(event.detections, key=lambda detection: detection.confidence, reverse=True)
    labels = list(dict.fromkeys(detection.label for detection in surest))
    more = [f"and {len(labels) - MAX_LABELS} more"] if len(labels) > MAX_LABELS else []
    return ", ".join([*labels[:MAX_LABELS], *more])

"""Texts with `{field}` places from configuration: a few known fields, plain values, bounded output."""

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

# What each field looks like; a field's format is tried on it when the template is read.
SAMPLES: Mapping[str, str | float | int | datetime] = {
    "device": "Seattle01",
    "camera": "door",
    "place": "Seattle01, camera door",
    "label": "thumbs-up",
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
_LONG_NUMBER = re.compile(r"[0-9]{4}")
# Control characters, line and paragraph separators, what turns the direction of writing, lone surrogates.
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _check_part(name: str, spec: str, conversion: str | None, known: frozenset[str]) -> None:
    place = f"field {name!r}"
    if name not in known:
        what = "unknown field" if _FIELD.fullmatch(name) else "not a plain field:"
        raise ValueError(f"{what} {name!r} (known: {', '.join(sorted(known))})")
    if conversion is not None:
        raise ValueError(f"{place}: conversion !{conversion} is not allowed")
    if "{" in spec or _LONG_NUMBER.search(spec):
        raise ValueError(f"{place}: the format {spec!r} must not be nested or wider than 999")
    try:
        format(SAMPLES[name], spec)
    except ValueError as error:
        raise ValueError(f"{place}: the format {spec!r} does not fit: {error}") from error


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
            ValueError: An unknown field, an attribute or index, a nested or overlong format, a lone brace.
        """
        if len(text) > MAX_TEMPLATE_CHARS:
            raise ValueError(f"the template has {len(text)} characters; at most {MAX_TEMPLATE_CHARS}")
        parts: list[tuple[str, str | None, str]] = []
        for literal, name, spec, conversion in string.Formatter().parse(text):
            if name is not None:
                _check_part(name, spec or "", conversion, known)
            parts.append((literal, name, spec or ""))
        return cls(text, tuple(parts))

    def render(self, values: Mapping[str, object]) -> str:
        """Return the text with its fields filled in, at most `MAX_RENDERED_CHARS` characters.

        Control characters and what turns the direction of writing are removed from the values.

        Args:
            values: Plain values, as in `SAMPLES`, for every field the template may use.
        """
        pieces: list[str] = []
        for literal, name, spec in self._parts:
            pieces.append(literal)
            if name is not None:
                pieces.append(_UNWANTED.sub("", format(values[name], spec)))
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
    camera.
    """
    return {
        "device": event.device,
        "camera": event.camera or "",
        "place": f"{event.device}, camera {event.camera}" if event.camera else event.device,
        "label": label,
        "confidence": confidence,
        "time": event.captured_at,
        "event_id": event.id,
        "source": event.source,
    }

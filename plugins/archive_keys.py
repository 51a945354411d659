"""Where an event's objects lie in an archive: keys made of the event alone, by templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.event import DEVICE_PATTERN, Event, Frame
from hub.plugin import Reject
from hub.template import Template, template_of

LATEST = "latest/latest.json"
BATCHES = "batches/"
RESERVED = {"latest", "batches"}
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
MAX_KEY_BYTES = 1024
"""S3's limit, the prefix included."""
PART_CHARS = 64

_DEVICE = re.compile(DEVICE_PATTERN)
_UNFIT = re.compile(r"[^A-Za-z0-9._=-]+")
_UNFIT_KEY = re.compile(r"[^A-Za-z0-9!_.*'()=/-]")

_DIGITS = re.compile(r"(0[0-9]+)?d?")
_CUTS = re.compile(r"(\.[1-9][0-9]*)?s?")
_SURE_ENDS = re.compile(r"[/!*'()]")  # what no value holds
# The id is what is left of, or right of, all other texts, so that it can be read again.
_TELLS_ID = re.compile(
    r"(?:[^~#]*(?<![@0-9]))?#(?:(?![~@#0-9]).*)?|(?:.*(?<![~@#0-9]))?#(?:(?![@0-9])[^~#]*)?"
)

FIELDS = frozenset({"device", "camera", "label", "source", "time", "event_id"})
KeyTemplate = Annotated[Template, template_of(*FIELDS)]
LayoutName = Literal["published", "dated"]

_STEM = "{device}_{time:%Y%m%d-%H%M%S}_{event_id}"
_DAY = "{time:%Y/%m/%d}/{device}"
_DATED = "dt={time:%Y-%m-%d}/device={device}/{time:%H%M%S}_{event_id}"
LAYOUTS: Mapping[LayoutName, Mapping[str, str]] = {
    "published": {
        "raw": f"raw_images/{_DAY}/raw_{_STEM}",
        "boxed": f"images/{_DAY}/image_{_STEM}",
        "record": f"json/{_DAY}/record_{_STEM}",
    },
    "dated": {
        "raw": f"raw/{_DATED}",
        "boxed": f"boxed/{_DATED}",
        "record": f"records/{_DATED}",
    },
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one event's objects; `raw` and `boxed` are empty where the event has no frame."""

    raw: str
    boxed: str
    record: str


def _fit(value: str) -> str:
    """Return a name that is one harmless part of a key."""
    return _UNFIT.sub("_", value)[:PART_CHARS].lstrip(".") or "none"


class KeyTemplates(BaseModel):
    """Templates of keys without their suffix; one that is absent is the layout's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw: KeyTemplate | None = Field(
        default=None, description="template of the key of the frame as it came, without its suffix"
    )
    boxed: KeyTemplate | None = Field(default=None, description="... of the frame with boxes")
    record: KeyTemplate | None = Field(default=None, description="... of the record")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("raw", "boxed", "record"):
            template = getattr(self, name)
            if template is not None:
                _check_template(name, template)
        return self

    def complete(self, layout: LayoutName) -> Layout:
        """Return the layout with these templates in place of its own.

        Raises:
            ValueError: Two of them would write the same object.
        """
        texts = LAYOUTS[layout]
        raw, boxed, record = (
            getattr(self, name) or Template.parse(texts[name], FIELDS) for name in ("raw", "boxed", "record")
        )
        if _may_meet(raw, boxed):
            raise ValueError(
                "keys: raw and boxed could be the same object; let each begin with its own folder"
            )
        return Layout(raw, boxed, record)


def _render(template: Template, event_id: int) -> str:
    moment = datetime(2018, 8, 16, 18, 31, 52, tzinfo=UTC)
    names = {"device": "Seattle01", "camera": "door", "label": "thumbs-up", "source": "mqtt"}
    return template.render(names | {"time": moment, "event_id": event_id})


def _shape(template: Template) -> str:
    """Return a template with #, @ and ~ in place of event ids, times and texts; none of them fits a key."""
    return "".join(literal + _mark(name, spec) for literal, name, spec in template._parts)  # noqa: SLF001


def _mark(name: str | None, spec: str) -> str:
    if name == "event_id":
        return "#" if _DIGITS.fullmatch(spec) else "~"
    return {None: "", "time": "@"}.get(name, "~")


def _may_meet(one: Template, other: Template) -> bool:
    """Whether some device, camera or label could make the same key of both."""
    return any(
        re.fullmatch(_pattern(template), _render(sample, 1))
        for template, sample in ((one, other), (other, one))
    )


def _pattern(template: Template) -> str:
    """Return a regular expression of the keys that a template makes at the sample's time."""
    known = {"#": "[0-9]+", "~": "[A-Za-z0-9._=-]+"}
    times = iter(
        Template.parse(f"{{time:{spec}}}", FIELDS)
        for _, name, spec in template._parts  # noqa: SLF001
        if name == "time"
    )
    return "".join(
        known.get(mark) or re.escape(_render(next(times), 1) if mark == "@" else mark)
        for mark in _shape(template)
    )


def _check_template(name: str, template: Template) -> None:
    for _, field, spec in template._parts:  # noqa: SLF001
        if field not in {None, "time", "event_id"} and not _CUTS.fullmatch(spec):
            raise ValueError(
                f"keys.{name}: {{{field}:{spec}}} pads; the format of a text may cut it, as :.20"
            )
    made = _render(template, 1)
    if made == _render(template, 2):
        raise ValueError(f"keys.{name}: needs {{event_id}}, or two events would share one object")
    if not any(_TELLS_ID.fullmatch(part) for part in _SURE_ENDS.split(_shape(template))):
        raise ValueError(
            f"keys.{name}: must set {{event_id}} apart from other fields and digits, such as by slashes, "
            "with no format but one such as {event_id:012d}, or two events could share one object"
        )
    parts = made.split("/")
    if not all(parts) or {".", ".."} & set(parts) or _UNFIT_KEY.search(made):
        raise ValueError(
            f"keys.{name}: must be letters, digits and !_.*'()=- between single slashes, such as "
            f"{LAYOUTS['dated']['record']}"
        )
    if parts[0] in RESERVED:
        raise ValueError(f"keys.{name}: {parts[0]}/ is for what the archive itself keeps there")


@dataclass(frozen=True, slots=True)
class Layout:
    """Makes the keys of events."""

    raw: Template
    boxed: Template
    record: Template

    def keys(self, event: Event) -> Keys:
        """Return an event's keys; the label is that of its surest detection.

        Raises:
            ValueError: The device is not a device name, which could leave the folder.
            Reject: A key is longer than S3 takes.
        """
        if not _DEVICE.fullmatch(event.device):
            raise ValueError(f"not a device name: {event.device!r}")
        values = _values(event)
        raw = boxed = ""
        if isinstance(event.frame, Frame):
            raw = _checked(self.raw.render(values) + SUFFIXES[event.frame.media_type])
            boxed = _checked(self.boxed.render(values) + ".jpg")
        return Keys(raw, boxed, _checked(self.record.render(values) + ".json"))


def _values(event: Event) -> dict[str, object]:
    best = event.best()
    return {
        "device": event.device,
        "camera": _fit(event.camera or ""),
        "label": _fit(best.label if best else ""),
        "source": _fit(event.source),
        "time": event.captured_at,
        "event_id": event.id,
    }


def _checked(key: str) -> str:
    if key.partition("/")[0] in RESERVED:
        key = f"_{key}"
    if len(key) > MAX_KEY_BYTES:
        raise Reject(f"the key has {len(key)} characters, more than S3 takes: shorten `keys`")
    return key


def batch_key(event_id: int, captured_at: datetime, block: int, suffix: str) -> str:
    """Return the one batch that an event's record is in: its day (UTC) and its block of `block` ids."""
    first = (event_id - 1) // block * block + 1
    return f"{BATCHES}dt={captured_at:%Y-%m-%d}/records_{first:012d}-{first + block - 1:012d}.{suffix}"

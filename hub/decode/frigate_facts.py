"""What Frigate 0.12 to 0.18 says of a tracked object, as an event's detection and attributes. Pure.

Only `id`, `camera`, `label` and `start_time` are needed; the rest is optional, changes between releases, and
is left out where it is not as expected.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue

from hub.decode.printing import quote
from hub.errors import PayloadError
from hub.event import BOX_PIXELS, Name, Plain

MAX_TEXT_CHARS = 2000
MAX_ZONES = 50
MAX_OBJECTS = 100
STEPS = 100
"""Scores are rounded down to hundredths, so that one which only trembles says nothing new."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Facts = dict[str, JsonValue]
Sizes = Mapping[str, tuple[int, int]]


class Tracked(Plain):
    """A tracked object: the `after` of a message on `<prefix>/events`."""

    id: Name
    camera: Name
    label: Name
    start_time: float
    end_time: JsonValue = None
    false_positive: JsonValue = False
    top_score: JsonValue = None
    score: JsonValue = None
    box: JsonValue = None
    snapshot: JsonValue = None
    sub_label: JsonValue = None
    recognized_license_plate: JsonValue = None
    recognized_license_plate_score: JsonValue = None
    entered_zones: JsonValue = None
    has_clip: JsonValue = None
    has_snapshot: JsonValue = None


class ReviewData(Plain):
    """Which tracked objects a review item groups."""

    detections: Annotated[tuple[Name, ...], Field(max_length=MAX_OBJECTS)] = ()


class Review(Plain):
    """A review item: the `after` of a message on `<prefix>/reviews`."""

    id: Name
    camera: Name
    start_time: float
    severity: Name
    data: ReviewData = ReviewData()


class Late(Plain):
    """A late fact of a tracked object: a message on `<prefix>/tracked_object_update`."""

    type: Name
    id: Name
    camera: JsonValue = None
    timestamp: JsonValue = None
    description: JsonValue = None
    name: JsonValue = None
    plate: JsonValue = None
    model: JsonValue = None
    sub_label: JsonValue = None
    attribute: JsonValue = None
    score: JsonValue = None


def read_time(seconds: float) -> datetime:
    """Return Unix seconds as a time; raises PayloadError `bad_time`."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise PayloadError("bad_time", f"no time in Unix seconds; found {quote(seconds)}") from error


def find_time(value: JsonValue) -> datetime | None:
    """Return Unix seconds as a time, or None where they are none."""
    seconds = number(value)
    try:
        return None if seconds is None else read_time(seconds)
    except PayloadError:
        return None


def read_detection(seen: Tracked, sizes: Sizes) -> dict[str, Any]:
    """Return the members of the one detection; its box is in fractions where the frame's size is known."""
    detection: dict[str, Any] = {"label": seen.label, "track": seen.id, "confidence": _find_score(seen)}
    best = seen.snapshot if isinstance(seen.snapshot, dict) else {}
    corners = _corners(best.get("box")) or _corners(seen.box)
    if corners is not None and seen.camera in sizes:
        width, height = sizes[seen.camera]
        left, top, right, bottom = corners
        detection["box"] = {
            "left": left / width,
            "top": top / height,
            "width": (right - left) / width,
            "height": (bottom - top) / height,
        }
    elif corners is not None:
        detection["attributes"] = {BOX_PIXELS: list(corners)}
    return detection


def read_facts(seen: Tracked, *, ended: bool) -> Facts:
    """Return the attributes that a tracked object has, those that are known."""
    facts: Facts = {"camera": seen.camera}
    facts |= _named("sub_label", seen.sub_label)
    facts |= _named("plate", seen.recognized_license_plate, seen.recognized_license_plate_score)
    zones = seen.entered_zones if isinstance(seen.entered_zones, list) else []
    if named := [zone for zone in zones if _text(zone)][:MAX_ZONES]:
        facts["zones"] = named
    facts |= {name: True for name in ("has_clip", "has_snapshot") if getattr(seen, name) is True}
    if ended:
        facts["ended"] = True
        if (at := find_time(seen.end_time)) is not None:
            facts["ended_at"] = at.isoformat()
    return facts


def read_late(said: Late) -> Facts:
    """Return the attributes of a late fact; none where the release sends a type that is not known here."""
    match said.type:
        case "description":
            facts = _named("description", said.description)
        case "face":
            facts = _named("face", said.name, said.score)
        case "lpr":
            facts = _named("plate", said.plate, said.score) | _named("plate_name", said.name)
        case "classification" if model := _text(said.model):
            facts = _named(f"classified_{model[:100]}", said.sub_label or said.attribute, said.score)
        case _:
            facts = {}
    camera = _text(said.camera)
    return {**facts, "camera": camera} if facts and camera else facts


def number(value: JsonValue) -> float | None:
    """Return a JSON number that is finite, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _named(name: str, value: JsonValue, score: JsonValue = None) -> Facts:
    """Return a text and its score; from release 0.13 on some come as [text, score]."""
    said = value if isinstance(value, list) else [value, score]
    text, score = _text(next(iter(said), None)), next(iter(said[1:]), score)
    if text is None:
        return {}
    share = _share(score)
    return {name: text} if share is None else {name: text, f"{name}_score": share}


def _text(value: JsonValue) -> str | None:
    if not isinstance(value, str) or not value or _UNSTORABLE.search(value):
        return None
    return value[:MAX_TEXT_CHARS]


def _share(value: JsonValue) -> float | None:
    found = number(value)
    return math.floor(found * STEPS + 1e-9) / STEPS if found is not None and 0 <= found <= 1 else None


def _find_score(seen: Tracked) -> float:
    """Return the best score; one that is none at all is 0, and one that is no share is an error."""
    for score in (seen.top_score, seen.score):
        if found := number(score):
            share = _share(found)
            if share is None:
                raise PayloadError("out_of_range", f"score: expected 0 to 1; found {quote(score)}")
            return share
    return 0.0


def _corners(value: JsonValue) -> tuple[float, float, float, float] | None:
    """Return [xmin, ymin, xmax, ymax] in pixels, or None where it is no box of a picture."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    left, top, right, bottom = (number(side) for side in value)
    if left is None or top is None or right is None or bottom is None:
        return None
    in_range = max(abs(side) for side in (left, top, right, bottom)) <= 65535
    return (left, top, right, bottom) if in_range and left <= right and top <= bottom else None

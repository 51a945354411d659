"""What the rules of alerts say of events, numbers and silences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from hub.dispatch.match_names import list_names
from hub.event import Detection, Event
from hub.plugin import Skip
from plugins.alert_settings import AlertSettings, is_pattern
from plugins.plain_text import defuse

State = Literal["beyond", "between", "clear"]
Where = tuple[str | None, str | None]
"""A device and a camera; None is any."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why there is an alert. `what` says it in words (harmless ones), `value` is what was measured."""

    place: str
    what: str
    label: str = ""
    confidence: float = 0.0
    count: int = 1
    value: float = 0.0


def place_of(event: Event, per: str) -> str:
    """Return what an event's alerts belong to; a camera without a name is its device's only one."""
    if per == "all":
        return ALL
    named = per == "camera" and event.camera
    return f"{event.device}/{event.camera}" if named else event.device


def split_place(place: str) -> Where:
    """Return the device and the camera that a place names."""
    if place == ALL:
        return None, None
    device, _, camera = place.partition("/")
    return device, camera or None


def show_place(place: str) -> str:
    """Return a place in words."""
    device, camera = split_place(place)
    if device is None:
        return "all devices"
    return f"{device}, camera {camera}" if camera else device


def counted_in(settings: AlertSettings, place: str) -> list[Where]:
    """Return the devices and cameras whose events count together."""
    device, camera = split_place(place)
    if camera is not None:
        return [(device, camera)]
    if device is not None:
        # A device's events without a camera's name count by themselves, unless all of its cameras do.
        cameras = sorted(settings.cameras) if settings.cameras is not None else [None]
        return [(device, one) for one in cameras]
    devices = sorted(settings.devices) if settings.devices is not None else [None]
    cameras = sorted(settings.cameras) if settings.cameras is not None else [None]
    return list(product(devices, cameras))


def watched_places(settings: AlertSettings, known: Iterable[str]) -> list[str]:
    """Return the places to watch for silence: devices by name, and the known ones that fit."""
    if settings.per == "all":
        return [ALL]
    named = {device for device in settings.devices or () if not is_pattern(device)}
    devices = sorted(named.union(filter(settings.fits_device, known)))
    if settings.per == "camera" and settings.cameras is not None:
        return [f"{device}/{camera}" for device, camera in product(devices, sorted(settings.cameras))]
    return devices


def check_watched(settings: AlertSettings, event: Event) -> None:
    """Raise Skip for an event of a device or camera that is not watched."""
    if not settings.fits_device(event.device):
        raise Skip(f"device {event.device} is not watched ({list_names(settings.devices or ())})")
    if settings.cameras is not None and not (event.camera and settings.fits_camera(event.camera)):
        camera = event.camera or "without a name"
        raise Skip(f"camera {camera} is not watched ({list_names(settings.cameras)})")


def named_detections(settings: AlertSettings, event: Event) -> list[Detection]:
    """Return the detections of a label that is watched, best first."""
    named = [d for d in event.detections if settings.fits_label(d.label)]
    return sorted(named, key=lambda detection: detection.confidence, reverse=True)


def matching_detections(settings: AlertSettings, event: Event) -> list[Detection]:
    """Return the detections that match, best first; raises Skip when there are none."""
    named = named_detections(settings, event)
    if not named:
        watched = f"no label that is watched ({list_names(settings.labels or ())})"
        raise Skip(watched if event.detections else "no detections")
    if named[0].confidence < settings.min_confidence:
        raise Skip(f"confidence {named[0].confidence:.2f} is below {settings.min_confidence:.2f}")
    return [detection for detection in named if detection.confidence >= settings.min_confidence]


def measure_event(settings: AlertSettings, event: Event) -> float | None:
    """Return what one event measures, or None where it measures nothing."""
    named = named_detections(settings, event)
    if settings.measure == "confidence":
        return named[0].confidence if named else None
    if settings.measure == "detections":
        return float(sum(detection.confidence >= settings.min_confidence for detection in named))
    found = event.attributes.get(settings.measure.removeprefix("attributes."))
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    return float(found) if number else None  # type: ignore[arg-type] # it is a number


def judge_value(settings: AlertSettings, value: float) -> State:
    """Say where a value lies: beyond the level, clear of it, or between the two (hysteresis)."""
    level = settings.level or 0.0
    clear_level = level if settings.clear_level is None else settings.clear_level
    if settings.rule == "above":
        return "beyond" if value > level else "clear" if value <= clear_level else "between"
    return "beyond" if value < level else "clear" if value >= clear_level else "between"


def describe_rule(settings: AlertSettings, value: float | None = None) -> str:
    """Return in words what the rule is about, such as `detections above 5`."""
    if settings.rule == "absent":
        seen = f"no {list_names(settings.labels)}" if settings.labels else "nothing"
        return f"{seen} for {show_duration(settings.after_s)}"
    if settings.rule == "offline":
        return "offline"
    if settings.rule == "disagree":
        return "models disagree"
    if settings.rule == "seen":
        return list_names(settings.labels) if settings.labels else "a detection"
    measured = {"count": "events", "rate": "events a minute"}.get(settings.measure, settings.measure)
    shown = "" if value is None else f" ({value:g})"
    return f"{measured.removeprefix('attributes.')} {settings.rule} {settings.level:g}{shown}"


def show_duration(seconds: float) -> str:
    """Return a duration as people say it."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}{'s' * (seconds > size)}"
    return f"{seconds:g} second{'s' * (seconds != 1)}"


def show_roughly(seconds: float) -> str:
    """Return how long something lasted, as exactly as is of interest."""
    size = 1 if seconds < 120 else 60 if seconds < 7200 else 3600
    return show_duration(round(seconds / size) * size)


def find_disagreement(
    settings: AlertSettings, event: Event, others: Sequence[Event]
) -> tuple[str, str, float]:
    """Return what another model says of the same picture otherwise: (in words, the label, its confidence).

    Two disagree on a label that one sees with `min_confidence` and the other with `margin` less, or not.

    Raises:
        Skip: None does, or there is no other.
    """
    if event.model is None:
        raise Skip("the event names no model")
    models = {other.model.name: other for other in reversed(others) if other.model is not None}
    models.pop(event.model.name, None)
    if not models:
        raise Skip("no other model has looked at this picture yet")
    for name, other in sorted(models.items()):
        mine, theirs = best_by_label(settings, event), best_by_label(settings, other)
        for label in sorted(mine.keys() | theirs.keys()):
            one, two = mine.get(label, 0.0), theirs.get(label, 0.0)
            apart = min(one, two) < settings.min_confidence <= max(one, two)
            if apart and abs(one - two) >= settings.margin:
                what = f"{defuse(event.model.name)} says {defuse(label)} {one:.0%}, {defuse(name)} {two:.0%}"
                return what, label, max(one, two)
    raise Skip(f"agrees with {', '.join(sorted(models))}")


def best_by_label(settings: AlertSettings, event: Event) -> dict[str, float]:
    """Return the best confidence of each label that is watched."""
    found: dict[str, float] = {}
    for detection in named_detections(settings, event):
        found.setdefault(detection.label, detection.confidence)
    return found

"""Which events an instance wants: the `match` table of hub.toml."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from hub.dispatch.match_names import Fits, Names, compile_names, list_names
from hub.dispatch.match_schedule import Schedules, compile_schedules
from hub.dispatch.match_shape import BoxSize, Polygon, ZonePoint, compile_zone, is_in, point_of
from hub.event import MAX_DETECTIONS, Detection, Event, Fraction, Name, Plain

Seconds = Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=MAX_DETECTIONS)]
Zones = Annotated[dict[Name, Polygon], Field(min_length=1, max_length=100)]


class Place(NamedTuple):
    """Where an event comes from, and whether it amends another."""

    kind: str
    device: str
    camera: str | None
    source: str


class Match(Plain):
    """An event matches when its device, camera, source and time are wanted, and enough of its detections are.

    A detection is wanted when label, confidence, box and zone all are. An absent setting wants everything.
    With any setting about detections, an event without them never matches; with cameras set none whose camera
    has no name; with box or zones set no detection without a box. `new_after_s` and `once_within_s` depend on
    earlier events: `hub.dispatch.match_repeats` sees to them.
    """

    labels: Names | None = Field(default=None, description="Labels wanted, or patterns; absent: any")
    devices: Names | None = Field(default=None, description="Devices wanted, or patterns; absent: any")
    cameras: Names | None = Field(default=None, description="Cameras wanted, or patterns; absent: any")
    sources: Names | None = Field(default=None, description="Sources wanted, or patterns; absent: any")
    min_confidence: Fraction = Field(default=0.0, description="0..1; of the detection with the wanted label")
    min_confidence_per_label: dict[Name, Fraction] = Field(
        default_factory=dict, description="0..1 for these labels, in place of min_confidence"
    )
    box: BoxSize | None = Field(default=None, description="How large the box must be")
    zones: Zones | None = Field(default=None, description="Polygons, in one of which the box must be")
    ignore_zones: Zones | None = Field(default=None, description="Polygons, in none of which it may be")
    zone_point: ZonePoint = Field(default="center", description="The point of the box that zones ask for")
    min_count: Count | None = Field(default=None, description="So many wanted detections at least")
    max_count: Count | None = Field(default=None, description="So many wanted detections at most")
    schedule: Schedules | None = Field(default=None, description="When it must have been captured")
    amendments: bool = Field(default=False, description="Set by the instance's own `amendments`")
    new_after_s: Seconds | None = Field(
        default=None, description="Only objects not seen in their place for so long"
    )
    once_within_s: Seconds | None = Field(
        default=None, description="Each label in each place once within so long"
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> Match:
        if self.min_count is not None and self.max_count is not None and self.min_count > self.max_count:
            raise ValueError(f"min_count {self.min_count} is above max_count {self.max_count}")
        return self

    @cached_property
    def fits_label(self) -> Fits | None:
        """Whether a label is wanted; None where any is."""
        return None if self.labels is None else compile_names(self.labels)

    @cached_property
    def _places(self) -> tuple[tuple[str, Names, Fits], ...]:
        wanted = {"device": self.devices, "camera": self.cameras, "source": self.sources}
        return tuple(
            (name, names, compile_names(names)) for name, names in wanted.items() if names is not None
        )

    @cached_property
    def asks_detections(self) -> bool:
        """Whether an event without detections is not wanted."""
        free = {"devices", "cameras", "sources", "schedule", "zone_point", "amendments"}
        return bool(self.model_dump(exclude_defaults=True).keys() - free)

    @cached_property
    def has_memory(self) -> bool:
        """Whether earlier events have a say."""
        return self.new_after_s is not None or self.once_within_s is not None

    def wants_place(self, event: Event | Place) -> bool:
        """Whether device, camera and source are wanted; no amendment is that was not asked for."""
        return (event.kind == "event" or self.amendments) and all(
            (found := getattr(event, name)) is not None and fits(found) for name, _, fits in self._places
        )

    def wants_rest(self, event: Event) -> bool:
        """Whether detections and time are wanted, whatever the place."""
        holds = self.holds
        if holds is not None and not holds(event.captured_at):
            return False
        if self.asks_detections:
            wants = self.wants
            count = sum(1 for found in event.detections if wants(found))
            if count < (self.min_count or 1) or (self.max_count is not None and count > self.max_count):
                return False
        return True

    def wanted(self, event: Event) -> list[Detection]:
        """Return the detections that are wanted."""
        wants = self.wants
        return [found for found in event.detections if wants(found)]

    @cached_property
    def wants(self) -> Callable[[Detection], bool]:
        """Whether a detection is wanted; made once, since it is asked of every event."""
        fits, least, leasts = self.fits_label, self.min_confidence, self.min_confidence_per_label
        size, where = self.box, self.zone_point
        zones = [compile_zone(zone) for zone in self.zones.values()] if self.zones else None
        ignored = [compile_zone(zone) for zone in (self.ignore_zones or {}).values()]

        def wants(found: Detection) -> bool:
            if found.confidence < (leasts.get(found.label, least) if leasts else least):
                return False
            if fits is not None and not fits(found.label):
                return False
            if size is None and zones is None and not ignored:
                return True
            if found.box is None or (size is not None and not size.fits(found.box)):
                return False
            point = point_of(found.box, where)
            if zones is not None and not any(holds(point) for holds in zones):
                return False
            return not any(holds(point) for holds in ignored)

        return wants

    @cached_property
    def holds(self) -> Callable[[datetime], bool] | None:
        """Whether the schedule holds at a time; None where there is none."""
        return None if self.schedule is None else compile_schedules(self.schedule)

    def confidence_for(self, label: str) -> float:
        """Return the least confidence that a label needs."""
        return self.min_confidence_per_label.get(label, self.min_confidence)

    def _zone_refusal(self, found: Detection) -> str | None:
        if self.zones is None and self.ignore_zones is None:
            return None
        if found.box is None:
            return "zones: no box"
        point = point_of(found.box, self.zone_point)
        if self.zones is not None and not any(is_in(point, zone) for zone in self.zones.values()):
            return f"zones: not in {list_names(self.zones)}"
        for name, zone in (self.ignore_zones or {}).items():
            if is_in(point, zone):
                return f"ignore_zones: in {name}"
        return None

    def refusal(self, event: Event) -> str | None:
        """Return why this event is not wanted, or None when it is; earlier events have no say in it."""
        if event.kind == "amendment" and not self.amendments:
            return f"amends event {event.amends}, and the instance does not ask for amendments"
        if not self.wants_place(event):
            return self._refuse_place(event)
        if self.wants_rest(event):
            return None
        return self._refuse_detections(event) or self._refuse_time()  # both may be so; this one says more

    def _refuse_place(self, event: Event) -> str:
        name, names, found = next(
            (name, names, found)
            for name, names, fits in self._places
            if (found := getattr(event, name)) is None or not fits(found)
        )
        what = "an event without a camera's name" if found is None else f"{name} {found}"
        return f"{what} is not one of {list_names(names)}"

    def _refuse_time(self) -> str:
        return f"schedule: not within {'; '.join(s.describe() for s in self.schedule or ())}"

    def _refuse_detections(self, event: Event) -> str | None:
        if not self.asks_detections:
            return None
        fits = self.fits_label
        named = [found for found in event.detections if fits is None or fits(found.label)]
        if not named:
            return (
                "no detections"
                if self.labels is None
                else f"no detection is labelled {list_names(self.labels)}"
            )
        sure = [found for found in named if found.confidence >= self.confidence_for(found.label)]
        if not sure:
            return self._refuse_confidence(named)
        wanted = self.wanted(event)
        if not wanted:
            return self._refuse_shape(max(sure, key=lambda found: found.confidence))
        return self._refuse_count(len(wanted))

    def _refuse_confidence(self, named: list[Detection]) -> str:
        best = max(named, key=lambda found: found.confidence - self.confidence_for(found.label))
        of = f" of {best.label}" if self.min_confidence_per_label else ""
        return f"confidence {best.confidence:.4g}{of} is below {self.confidence_for(best.label):g}"

    def _refuse_shape(self, found: Detection) -> str:
        if self.box is not None:
            misfit = "there is none" if found.box is None else self.box.misfit(found.box)
            if misfit:
                return f"box: {misfit}"
        return self._zone_refusal(found) or "not wanted"

    def _refuse_count(self, count: int) -> str | None:
        if count < (self.min_count or 1):
            return f"min_count: {count} of {self.min_count} wanted detections"
        if self.max_count is not None and count > self.max_count:
            return f"max_count: {count} wanted detections, at most {self.max_count}"
        return None

"""Which events an instance wants: the `match` table of hub.toml."""

from __future__ import annotations

from pydantic import Field

from hub.event import Event, Fraction, Name, Plain


class Match(Plain):
    """An event matches when its device, camera and source are wanted and one detection has both a wanted
    label and the confidence. An absent setting wants everything; with labels or min_confidence set, an event
    without detections never matches, and with cameras set none whose camera has no name."""

    labels: frozenset[Name] | None = Field(default=None, description="Labels wanted; absent: any")
    devices: frozenset[Name] | None = Field(default=None, description="Devices wanted; absent: any")
    cameras: frozenset[Name] | None = Field(default=None, description="Names of cameras wanted; absent: any")
    sources: frozenset[Name] | None = Field(default=None, description="Sources wanted; absent: any")
    min_confidence: Fraction = Field(default=0.0, description="0..1; of the detection with the wanted label")

    def refusal(self, event: Event) -> str | None:
        """Return why this event is not wanted, or None when it is."""
        if self.devices is not None and event.device not in self.devices:
            return f"device {event.device} is not one of {_listed(self.devices)}"
        if self.cameras is not None and event.camera not in self.cameras:
            found = f"camera {event.camera}" if event.camera else "an event without a camera's name"
            return f"{found} is not one of {_listed(self.cameras)}"
        if self.sources is not None and event.source not in self.sources:
            return f"source {event.source} is not one of {_listed(self.sources)}"
        if self.labels is None and self.min_confidence == 0.0:
            return None
        return self._refuse_detections(event)

    def _refuse_detections(self, event: Event) -> str | None:
        wanted = [d for d in event.detections if self.labels is None or d.label in self.labels]
        if any(detection.confidence >= self.min_confidence for detection in wanted):
            return None
        if wanted:
            best = max(detection.confidence for detection in wanted)
            return f"confidence {best:.4g} is below {self.min_confidence:g}"
        if self.labels is None:
            return "no detections"
        return f"no detection is labelled {_listed(self.labels)}"


def _listed(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))

"""Makes the record of a frame: an event as one line of JSON, and its JPEG."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.sampling import tell_sampled
from hub.draw.picture import encode_jpeg
from hub.event import Detection, Frame, Model, NewEvent

if TYPE_CHECKING:
    from edge.model import Detector
    from edge.sampling import Sampled
    from edge.shot import Shot

SOURCE = "edge"


@dataclass(frozen=True, eq=False, slots=True)
class Finding:
    """A frame and what the model saw on it.

    `candidates` is what it saw below its threshold, if that is asked for; `sampled` says why a frame becomes
    an event that shows no detection.
    """

    shot: Shot
    detections: tuple[Detection, ...]
    candidates: tuple[Detection, ...] = ()
    sampled: Sampled | None = None


class Recorder:
    """Writes a device's records.

    Args:
        device: Its name.
        detector: The model that makes the detections.
        quality: Of the JPEGs, 1..100.
        camera: The camera's name, if it has one.
        sampling: Whether events are to tell of thresholds, and of what is below.
    """

    def __init__(
        self,
        device: str,
        detector: Detector,
        quality: int,
        camera: str | None = None,
        *,
        sampling: bool = False,
    ) -> None:
        self._device, self._quality = device, quality
        self._sampling = detector.card if sampling else None
        self._model: Model = detector.model
        card = detector.card
        self._told: dict[str, Any] = {"camera": camera} if camera else {}
        self._told |= {"input_width": card.width, "input_height": card.height, "fit": card.fit}

    def write(self, finding: Finding) -> tuple[bytes, bytes]:
        """Return the event line and the JPEG of a finding."""
        shot, picture = finding.shot, encode_jpeg(finding.shot.pixels, self._quality)
        height, width = shot.pixels.shape[:2]
        sampled = tell_sampled(finding, self._sampling) if self._sampling else {}
        event = NewEvent(
            source=SOURCE,
            device=self._device,
            captured_at=shot.taken_at,
            model=self._model,
            frame=Frame(
                digest=hashlib.sha256(picture).hexdigest(),
                width=width,
                height=height,
                media_type="image/jpeg",
            ),
            detections=finding.detections,
            attributes={"frame_number": shot.number, "pass": shot.run, **self._told, **sampled},
        )
        return event.model_dump_json(exclude_none=True, exclude_defaults=True).encode(), picture

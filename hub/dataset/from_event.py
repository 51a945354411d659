"""Makes a sample of a stored event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hub.dataset.box import Corners, judge
from hub.dataset.picture import look_at
from hub.dataset.sample import FLAGS, UNSPECIFIED, Object, Sample
from hub.event import Detection, Event, Frame, is_name

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
CHOSEN = "chosen"
_TOLD = ("review", "reviewed_by", "reviewed_at", CHOSEN)
Place = Callable[[str, Frame], Path]


def make_sample(
    event: Event, frame: Frame, place: Place, captured: str | None = None, reference: str = ""
) -> Sample:
    """Return an event's sample: boxes cut off at the edge, those of which nothing is left are dropped.

    Args:
        place: Where the picture of a device's frame lies.
        captured: Why a plugin captured it, where no review has said so.
        reference: Where the picture lies in S3, if the set is to name it there.

    Raises:
        UnreadableError: The picture is gone, or none.
    """
    picture = look_at(place(event.device, frame))
    name = f"{event.device}_{event.captured_at:%Y%m%d-%H%M%S}_{event.id}{SUFFIXES[frame.media_type]}"
    size = frame.width, frame.height
    objects = [found for one in event.detections if (found := _make_object(one, size)) is not None]
    told = {**_tell(event, captured), **({"reference": reference} if reference else {})}
    return Sample(name, picture.path, *size, picture.depth, tuple(objects), None, told, reference)


def _make_object(found: Detection, size: tuple[int, int]) -> Object | None:
    flags = frozenset(flag for flag in FLAGS if found.attributes.get(flag) is True)
    pose = found.attributes.get("pose")
    pose = pose if isinstance(pose, str) and is_name(pose) else UNSPECIFIED
    if found.box is None:
        return Object(found.label, None, flags, pose)
    corners: Corners = found.box.corners_in(*size)
    box, _ = judge(corners, size)
    return Object(found.label, box, flags, pose) if box else None


def _tell(event: Event, captured: str | None) -> Mapping[str, Any]:
    """Return where a sample comes from, and why it is there."""
    facts = {
        "event": event.id,
        "device": event.device,
        "source": event.source,
        "captured_at": event.captured_at.isoformat(),
        "model": event.model and event.model.model_dump(),
        "confidences": [found.confidence for found in event.detections],
    }
    facts |= {CHOSEN: captured} if captured else {}
    return facts | {name: event.attributes[name] for name in _TOLD if name in event.attributes}

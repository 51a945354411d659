"""Holds what Frigate says of an object to what it said before: messages come late or out of order. Pure."""

from __future__ import annotations

from hub.decode.frigate_facts import MAX_ZONES, Facts
from hub.decode.printing import show
from hub.errors import PayloadError
from hub.event import Detection, NewEvent


def hold(before: NewEvent, said: NewEvent) -> NewEvent:
    """Return what is said of an object, less what an older message would take back.

    Its confidence never falls, a zone entered stays so, and what was seen of an object that has ended is
    changed by another `end` only.

    Raises:
        PayloadError: `key_conflict`, what is said is of another camera than the object.
    """
    camera, other = before.attributes.get("camera"), said.attributes.get("camera")
    if camera and other and camera != other:
        reason = f"the object {said.key} is of the camera {camera}, and this of {other}"
        raise PayloadError("key_conflict", show(reason))
    late = "ended" in before.attributes and "ended" not in said.attributes
    seen = () if late else tuple(_hold_score(before, found) for found in said.detections)
    return said.model_copy(update={"detections": seen, "attributes": _hold_zones(before, said)})


def _hold_score(before: NewEvent, found: Detection) -> Detection:
    known = [one.confidence for one in before.detections if one.track == found.track]
    return found.model_copy(update={"confidence": max([found.confidence, *known])})


def _hold_zones(before: NewEvent, said: NewEvent) -> Facts:
    entered, more = before.attributes.get("zones"), said.attributes.get("zones")
    if not isinstance(entered, list) or not isinstance(more, list):
        return said.attributes
    zones = [*entered, *(zone for zone in more if zone not in entered)]
    return {**said.attributes, "zones": zones[:MAX_ZONES]}

"""CloudEvents 1.0 in JSON, as they leave the hub. Source: the specification's version 1.0.2."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hub.event import Event

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
EVENT_TYPE = "org.lenshub.event.v1"
NOTICE_TYPE = "org.lenshub.notice.v1"


def wrap(kind: str, source: str, identity: str, data: Mapping[str, Any], **more: str) -> dict[str, Any]:
    """Return data in its envelope.

    Args:
        kind: The attribute `type`.
        source: Who says it, a URI reference; with `identity`, what a repeat is known by.
        more: Further attributes, such as `time` and `subject`.
    """
    attributes = {"specversion": "1.0", "type": kind, "source": source, "id": identity, **more}
    return {**attributes, "datacontenttype": "application/json", "data": dict(data)}


def wrap_event(event: Event) -> dict[str, Any]:
    """Return a stored event in its envelope; an amended one has another identity than it had before."""
    data = event.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    time, source = data["captured_at"], f"/lenshub/devices/{event.device}"
    return wrap(EVENT_TYPE, source, f"{event.id}-{digest[:32]}", data, time=time, subject=event.device)

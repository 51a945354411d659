"""The provenance of a captured frame: which event of which device, what saw it, and why it was chosen."""

from __future__ import annotations

import json

from hub.event import Event
from hub.plugin import Captured
from plugins.capture_strategies import CANDIDATES, THRESHOLD, THRESHOLDS


def make_provenance(event: Event, captured: Captured, plugin: str, file: str) -> bytes:
    """Return the JSON that goes with a picture, the same at every attempt.

    Args:
        plugin: The instance that captured it.
        file: The picture's name.
    """
    model = event.model.model_dump() if event.model else None
    told = (CANDIDATES, THRESHOLD, THRESHOLDS)
    provenance = {
        "file": file,
        "event": captured.event_id,
        "key": event.key,
        "source": event.source,
        "device": event.device,
        "camera": event.camera,
        "captured_at": event.captured_at.isoformat(),
        "model": model,
        "detections": [one.model_dump(mode="json", exclude_defaults=True) for one in event.detections],
        **{name: event.attributes[name] for name in told if name in event.attributes},
        "chosen_by": plugin,
        "chosen": list(captured.reasons),
        "score": captured.score,
        "label": captured.label,
        "chosen_at": captured.chosen_at.isoformat(),
        "likeness": captured.likeness.hex() if captured.likeness else None,
    }
    return json.dumps(provenance, ensure_ascii=False, indent=1).encode() + b"\n"

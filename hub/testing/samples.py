"""Events, messages and pictures as cameras make them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hub.decode.message import Message
from hub.event import Box, Detection, NewEvent

BOX = Box(left=0.25, top=0.25, width=0.25, height=0.5)


def make_event(label: str | None = "thumbs-up", confidence: float = 0.93, **members: Any) -> NewEvent:
    """Return an event of device `porch` with one boxed detection, captured now.

    Args:
        label: What is seen; None for nothing.
        members: Take the place of an event's members, such as `device`, `captured_at`, `attributes`.
    """
    seen = () if label is None else (Detection(label=label, confidence=confidence, box=BOX, class_id=0),)
    values = {"source": "edge", "device": "porch", "captured_at": datetime.now(UTC), "detections": seen}
    return NewEvent.model_validate(values | members)


def make_picture(width: int = 320, height: int = 180, shade: int = 90) -> bytes:
    """Return a plain JPEG of so many pixels; `shade` is 0 (black) to 255."""
    import numpy as np

    from hub.draw.picture import encode_jpeg

    return encode_jpeg(np.full((height, width, 3), shade, np.uint8))


def make_message(payload: bytes | str, topic: str = "test/porch", source: str = "mqtt") -> Message:
    """Return a message as a source brings it, received now."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Message(source, topic, data, datetime.now(UTC))

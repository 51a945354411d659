"""Turns events into rows and rows into events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.event import Box, Detection, DroppedFrame, Event, Frame, Model
from hub.images.message import device_of
from hub.store.arrival import Arrival

Row = dict[str, Any]
_NO_BOX = (None, None, None, None)
_NO_FRAME: Row = dict.fromkeys(
    ("frame_digest", "frame_width", "frame_height", "frame_media_type", "frame_dropped")
)
QUARANTINED_BYTES = 16 * 1024 * 1024
"""A refused message is kept whole up to this size; of a larger one, its beginning."""


def event_row(event: Event, message_id: int) -> Row:
    """Return the row of `events`."""
    model = event.model
    return {
        "id": event.id,
        "kind": event.kind,
        "key": event.key,
        "source": event.source,
        "device": event.device,
        "captured_at": event.captured_at,
        "received_at": event.received_at,
        "model_name": model.name if model else None,
        "model_version": model.version if model else None,
        **(_frame_columns(event.frame) if event.frame else _NO_FRAME),
        "attributes": event.attributes,
        "message_id": message_id,
    }


def _frame_columns(found: Frame | DroppedFrame) -> Row:
    if isinstance(found, DroppedFrame):
        return _NO_FRAME | {"frame_dropped": found.dropped}
    return _NO_FRAME | {
        "frame_digest": found.digest,
        "frame_width": found.width,
        "frame_height": found.height,
        "frame_media_type": found.media_type,
    }


def add_amends(rows: Sequence[Row], events: Sequence[Event]) -> None:
    """Add what each event amends to its row of `events`, if any does: most batches save the column."""
    if any(event.amends is not None for event in events):
        for row, event in zip(rows, events, strict=True):
            row["amends"] = event.amends


def detection_rows(event: Event) -> list[Row]:
    """Return the rows of `detections`, in order."""
    return [
        _detection_row(event.id, position, detection) for position, detection in enumerate(event.detections)
    ]


def _detection_row(event_id: int, position: int, detection: Detection) -> Row:
    box = detection.box
    left, top, width, height = _NO_BOX if box is None else (box.left, box.top, box.width, box.height)
    return {
        "event_id": event_id,
        "position": position,
        "label": detection.label,
        "confidence": detection.confidence,
        "box_left": left,
        "box_top": top,
        "box_width": width,
        "box_height": height,
        "class_id": detection.class_id,
        "track": detection.track,
        "attributes": detection.attributes,
    }


def original_bytes(arrival: Arrival) -> bytes:
    """Return a message's bytes without the picture, which is in the frame store."""
    payload, picture = arrival.message.payload, arrival.decoded.picture
    if picture is None or not payload.endswith(picture):  # a plugin's message may hold it otherwise
        return payload
    return payload.removesuffix(picture).removesuffix(b"\n")


def message_row(message_id: int, arrival: Arrival) -> Row:
    """Return the row of `messages`."""
    message = arrival.message
    return {
        "id": message_id,
        "source": message.source,
        "topic": message.topic,
        "payload": original_bytes(arrival),
        "received_at": message.received_at,
        "mid": message.mid,
        "session": message.session,
        "duplicate": message.duplicate,
    }


def quarantine_row(arrival: Arrival, code: str, reason: str) -> Row:
    """Return the row of `quarantine`."""
    message = arrival.message
    return {
        "source": message.source,
        "topic": message.topic.replace("\x00", "\N{REPLACEMENT CHARACTER}"),
        "device": arrival.decoded.device or device_of(message),
        "code": code,
        "reason": reason,
        "payload": message.payload[:QUARANTINED_BYTES],
        "payload_bytes": len(message.payload),
        "received_at": message.received_at,
        "mid": message.mid,
        "session": message.session,
        "duplicate": message.duplicate,
    }


def _read_frame(row: Mapping[str, Any]) -> Frame | DroppedFrame | None:
    if row["frame_digest"] is not None:
        return Frame(
            digest=row["frame_digest"],
            width=row["frame_width"],
            height=row["frame_height"],
            media_type=row["frame_media_type"],
        )
    return DroppedFrame(dropped=row["frame_dropped"]) if row["frame_dropped"] is not None else None


def _read_detection(row: Mapping[str, Any]) -> Detection:
    box = None
    if row["box_left"] is not None:
        box = Box.model_construct(
            left=row["box_left"], top=row["box_top"], width=row["box_width"], height=row["box_height"]
        )
    return Detection.model_construct(
        label=row["label"],
        confidence=row["confidence"],
        box=box,
        class_id=row["class_id"],
        track=row["track"],
        attributes=row["attributes"],
    )


def read_events(
    event_rows: Sequence[Mapping[str, Any]], detections: Iterable[Mapping[str, Any]]
) -> list[Event]:
    """Return the events of rows of `events`, with their rows of `detections` in order of position."""
    found: dict[int, list[Detection]] = {row["id"]: [] for row in event_rows}
    for row in detections:
        found[row["event_id"]].append(_read_detection(row))
    return [
        Event.model_construct(
            id=row["id"],
            kind=row["kind"],
            key=row["key"],
            source=row["source"],
            device=row["device"],
            captured_at=row["captured_at"],
            received_at=row["received_at"],
            model=Model(name=row["model_name"], version=row["model_version"]) if row["model_name"] else None,
            frame=_read_frame(row),
            detections=tuple(found[row["id"]]),
            attributes=row["attributes"],
            amends=row["amends"],
        )
        for row in event_rows
    ]

"""The record of an event in an archive: the published members, then LensHub's event; and back again."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from hub.event import Event
from plugins.naming import TIME_FORMAT

Rank = tuple[datetime, int]
MAX_ID = 2**53
"""Far beyond any hub's events; a store with an id close to 2**63 has no room for more."""
_PUBLISHED = ("device_id", "timestamp", "objects", "link_to_img")


def make_record(event: Event, link: str | None) -> dict[str, Any]:
    """Return the published record of an event, followed by the members of LensHub's event."""
    published = {
        "device_id": event.device,
        "timestamp": f"{event.captured_at:{TIME_FORMAT}}",
        "objects": [
            {"index": index, "object": detection.label, "confidence": detection.confidence}
            for index, detection in enumerate(event.detections)
        ],
        "link_to_img": link,
    }
    return published | event.model_dump(mode="json")


def encode_record(record: dict[str, Any]) -> bytes:
    """Return a record as the text of its own object."""
    # json itself indents in Python, nine times slower, and leaves a cycle of references behind each record.
    return to_json(record, indent=1, inf_nan_mode="constants") + b"\n"


def encode_line(record: dict[str, Any]) -> bytes:
    """Return a record as one line of a batch, without its line feed."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def read_record(data: bytes) -> Event:
    """Return the event that a record was made of.

    Raises:
        ValueError: It is no such record.
    """
    try:
        record = json.loads(data)
    except RecursionError as error:
        raise ValueError("is no record: nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("is no record: not a JSON object")  # noqa: TRY004 - one error for who calls
    event = Event.model_validate_json(
        json.dumps({name: value for name, value in record.items() if name not in _PUBLISHED})
    )
    if event.id > MAX_ID:
        raise ValueError(f"no hub gives the id {str(event.id)[:30]}")
    return event


def rank_of(captured_at: datetime, received_at: datetime, event_id: int) -> Rank:
    """Return what orders records; a device whose clock runs ahead does not stay the newest for ever."""
    return min(captured_at, received_at), event_id


def rank_in(data: bytes | None) -> Rank | None:
    """Return the rank of an archived record; None when there is none, or somebody else's."""
    try:
        record = json.loads(data or b"")
        captured_at, received_at = (
            datetime.fromisoformat(record[name]).astimezone(UTC) for name in ("captured_at", "received_at")
        )
        return rank_of(captured_at, received_at, int(record["id"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def make_metadata(event: Event, data: bytes) -> dict[str, str]:
    """Return what is kept beside an object: which event it belongs to, and the digest of its bytes."""
    return {
        "lenshub-event": f"{event.id} {event.received_at.isoformat()}",
        "lenshub-device": event.device,
        "lenshub-captured-at": event.captured_at.isoformat(),
        "lenshub-sha256": hashlib.sha256(data).hexdigest(),
    }

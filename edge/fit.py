"""Makes records smaller: takes their picture out, or encodes it again to fit a broker's limit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from hub.wire.protocol import join_record

TOO_LARGE_REASON = "larger than the broker's limit"
_STEPS = ((1, 75), (1, 50), (2, 75), (2, 50), (4, 50))  # (sides divided by, JPEG quality)


def strip_picture(line: bytes, reason: str) -> bytes:
    """Return the event line with its frame replaced by `{"dropped": reason}`."""
    return _with_frame(line, {"dropped": reason})


def fit_record(line: bytes, picture: bytes | None, limit: int) -> bytes | None:
    """Return the record's payload in at most `limit` bytes, or None when even the event alone is larger.

    A picture is encoded again, smaller and smaller, and dropped when nothing helps.
    """
    payload = join_record(line, picture)
    if len(payload) <= limit:
        return payload
    if picture is not None:
        for smaller, size in _encode_smaller(picture):
            digest = hashlib.sha256(smaller).hexdigest()
            frame = {"digest": digest, "width": size[0], "height": size[1], "media_type": "image/jpeg"}
            payload = join_record(_with_frame(line, frame), smaller)
            if len(payload) <= limit:
                return payload
        line = strip_picture(line, TOO_LARGE_REASON)
    return line if len(line) <= limit else None


def _encode_smaller(picture: bytes) -> Iterator[tuple[bytes, tuple[int, int]]]:
    import cv2  # here, so that a spool alone needs no OpenCV

    from hub.draw.picture import PictureError, decode_picture, encode_jpeg

    try:
        pixels = decode_picture(picture)
    except PictureError:
        return
    height, width = pixels.shape[:2]
    for divisor, quality in _STEPS:
        size = (max(1, width // divisor), max(1, height // divisor))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if divisor > 1 else pixels
        yield encode_jpeg(small, quality), size  # type: ignore[arg-type]


def _with_frame(line: bytes, frame: dict[str, Any]) -> bytes:
    """Replace the event's frame; a line that is no JSON object stays as it is, for the hub to judge."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict):
        return line
    event["frame"] = frame
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()

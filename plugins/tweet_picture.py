"""Brings an event's frame into a form that X takes."""

from __future__ import annotations

from hub.draw.threads import work_on_picture
from hub.plugin import StoredFrame

MAX_PICTURE_BYTES = 5_000_000  # X's limit for an image
LONGER_SIDE = 2048


async def read_picture(frame: StoredFrame) -> tuple[bytes, str] | None:
    """Return the frame as X takes it and its media type, or None when it cannot be made to fit."""
    data = await frame.read()
    if len(data) <= MAX_PICTURE_BYTES:
        return data, frame.media_type
    return await work_on_picture(shrink, data)


def shrink(picture: bytes) -> tuple[bytes, str] | None:
    """Return a JPEG that X takes and its media type, or None when that cannot be made. Blocks."""
    import cv2

    from hub.draw.picture import PictureError, decode_picture, encode_jpeg

    try:
        pixels = decode_picture(picture)
    except PictureError:
        return None
    scale = min(1.0, LONGER_SIDE / max(pixels.shape[:2]))
    smaller = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    data = encode_jpeg(smaller, quality=80)  # type: ignore[arg-type] # cv2 types any array of numbers
    return (data, "image/jpeg") if len(data) <= MAX_PICTURE_BYTES else None

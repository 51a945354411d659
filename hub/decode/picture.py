"""Checks a JPEG against what its event claims, without decoding a pixel."""

from __future__ import annotations

import hashlib

from hub.decode.limits import Limits
from hub.errors import PayloadError
from hub.event import DroppedFrame, Frame
from hub.wire.jpeg import jpeg_size

_END = b"\xff\xd9"
_SCAN = b"\xff\xda"  # cannot occur inside of coded pixels, where an FF is followed by 00
MAX_SCANS = 64
"""A progressive JPEG has about ten; 130,000 of them in 8 MB took five minutes to decode."""


def _check_bytes(picture: bytes, limits: Limits) -> tuple[int, int]:
    if len(picture) > limits.max_picture_bytes:
        found = f"{len(picture)} bytes; at most {limits.max_picture_bytes}"
        raise PayloadError("picture_too_large", found)
    size = jpeg_size(picture)
    if size is None:
        raise PayloadError("picture_not_jpeg", f"{len(picture)} bytes without a JPEG header")
    width, height = size
    if width * height > limits.max_picture_pixels:
        found = f"{width} x {height} pixels; at most {limits.max_picture_pixels}"
        raise PayloadError("picture_too_many_pixels", found)
    if picture.count(_SCAN) > MAX_SCANS:
        found = f"{picture.count(_SCAN)} scans; at most {MAX_SCANS}"
        raise PayloadError("picture_too_complex", found)
    if not picture.endswith(_END):
        raise PayloadError("picture_truncated", f"{len(picture)} bytes without the JPEG end marker")
    return size


def _check_claim(frame: Frame, picture: bytes, size: tuple[int, int]) -> None:
    if frame.media_type != "image/jpeg":
        raise PayloadError(
            "picture_not_jpeg", f"the event says {frame.media_type}; only image/jpeg is accepted"
        )
    digest = hashlib.sha256(picture).hexdigest()
    if digest != frame.digest:
        raise PayloadError("picture_digest_mismatch", f"SHA-256 is {digest}; the event says {frame.digest}")
    if size != (frame.width, frame.height):
        found = f"{size[0]} x {size[1]} pixels; the event says {frame.width} x {frame.height}"
        raise PayloadError("picture_size_mismatch", found)


def describe_picture(picture: bytes, limits: Limits) -> Frame:
    """Return the frame that a picture is.

    Raises:
        PayloadError: As `check_picture` does of the picture itself.
    """
    width, height = _check_bytes(picture, limits)
    digest = hashlib.sha256(picture).hexdigest()
    return Frame(digest=digest, width=width, height=height, media_type="image/jpeg")


def check_picture(frame: Frame | DroppedFrame | None, picture: bytes | None, limits: Limits) -> None:
    """Refuse a picture that is not what the event's frame says, or one without the other.

    Raises:
        PayloadError: `picture_missing`, `picture_unclaimed`, `picture_too_large`, `picture_not_jpeg`,
            `picture_too_many_pixels`, `picture_too_complex`, `picture_truncated`,
            `picture_digest_mismatch` or `picture_size_mismatch`; the first of them in this order.
    """
    if isinstance(frame, Frame):
        if picture is None:
            raise PayloadError("picture_missing", "the event has a frame, but no picture follows it")
        _check_claim(frame, picture, _check_bytes(picture, limits))
    elif picture is not None:
        raise PayloadError(
            "picture_unclaimed", f"{len(picture)} bytes of picture that the event does not name"
        )

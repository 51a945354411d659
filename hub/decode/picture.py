"""Checks a picture against what its event claims, without decoding a pixel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from hub.decode.limits import Limits
from hub.errors import PayloadError
from hub.event import DroppedFrame, Frame
from hub.wire.exif import turned
from hub.wire.jpeg import count_scans, read_jpeg
from hub.wire.png import SIGNATURE, read_png

_END = b"\xff\xd9"
_SCAN = b"\xff\xda"  # cannot occur inside of coded pixels, where an FF is followed by 00
MAX_SCANS = 64
"""A progressive JPEG has about ten; 130,000 of them in 8 MB took five minutes to decode."""
MAX_SIDE = 65_535


@dataclass(frozen=True, slots=True)
class Measured:
    """What a picture is: width and height in pixels, upright; `orientation` as EXIF has it, 1 to 8."""

    media_type: Literal["image/jpeg", "image/png"]
    width: int
    height: int
    orientation: int


def measure_picture(picture: bytes, limits: Limits) -> Measured:
    """Return what a JPEG or PNG is.

    Raises:
        PayloadError: `picture_too_large`, `picture_not_jpeg`, `picture_animated`, `picture_too_many_pixels`,
            `picture_too_complex` or `picture_truncated`; the first of them in this order.
    """
    if len(picture) > limits.max_picture_bytes:
        found = f"{len(picture)} bytes; at most {limits.max_picture_bytes}"
        raise PayloadError("picture_too_large", found)
    return _measure_png(picture, limits) if picture.startswith(SIGNATURE) else _measure_jpeg(picture, limits)


def _measure_png(picture: bytes, limits: Limits) -> Measured:
    header = read_png(picture)
    if header is None:
        raise PayloadError("picture_not_jpeg", f"{len(picture)} bytes that begin like a PNG without a header")
    if header.is_animated:
        raise PayloadError("picture_animated", "an animated PNG; send one picture of it")
    _check_pixels(header.width, header.height, limits)
    if not header.is_whole:
        raise PayloadError("picture_truncated", f"{len(picture)} bytes without the PNG end chunk")
    size = turned(header.width, header.height, header.orientation)
    return Measured("image/png", *size, header.orientation)


def _measure_jpeg(picture: bytes, limits: Limits) -> Measured:
    header = read_jpeg(picture)
    if header is None:
        raise PayloadError("picture_not_jpeg", f"{len(picture)} bytes, neither a JPEG nor a PNG")
    _check_pixels(header.width, header.height, limits)
    _check_scans(picture)
    size = turned(header.width, header.height, header.orientation)
    return Measured("image/jpeg", *size, header.orientation)


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    most = limits.max_picture_pixels
    if width * height > most:
        raise PayloadError("picture_too_many_pixels", f"{width} x {height} pixels; at most {most}")
    if max(width, height) > MAX_SIDE:
        raise PayloadError("picture_too_many_pixels", f"{width} x {height} pixels; at most {MAX_SIDE} a side")


def _check_scans(picture: bytes) -> None:
    """Refuse a JPEG of too many scans or without its end; a plain look at all bytes mostly does."""
    if picture.endswith(_END) and picture.count(_SCAN) <= MAX_SCANS:
        return
    scans, ends = count_scans(picture, MAX_SCANS)
    if scans > MAX_SCANS:
        raise PayloadError("picture_too_complex", f"more than {MAX_SCANS} scans")
    if not ends:
        raise PayloadError("picture_truncated", f"{len(picture)} bytes without the JPEG end marker")


def _check_claim(frame: Frame, picture: bytes, found: Measured) -> None:
    if frame.media_type != found.media_type:
        reason = f"the event says {frame.media_type}; the picture is {found.media_type}"
        raise PayloadError("picture_not_jpeg", reason)
    digest = hashlib.sha256(picture).hexdigest()
    if digest != frame.digest:
        raise PayloadError("picture_digest_mismatch", f"SHA-256 is {digest}; the event says {frame.digest}")
    if (found.width, found.height) != (frame.width, frame.height):
        turn = f" upright (EXIF orientation {found.orientation})" if found.orientation > 1 else ""
        size = f"{found.width} x {found.height} pixels{turn}"
        raise PayloadError("picture_size_mismatch", f"{size}; the event says {frame.width} x {frame.height}")


def describe_picture(picture: bytes, limits: Limits) -> Frame:
    """Return the frame that a picture is, upright.

    Raises:
        PayloadError: As `measure_picture` does.
    """
    found = measure_picture(picture, limits)
    digest = hashlib.sha256(picture).hexdigest()
    return Frame(digest=digest, width=found.width, height=found.height, media_type=found.media_type)


def check_picture(frame: Frame | DroppedFrame | None, picture: bytes | None, limits: Limits) -> None:
    """Refuse a picture that is not what the event's frame says, or one without the other.

    Raises:
        PayloadError: `picture_missing`, `picture_unclaimed`, what `measure_picture` raises,
            `picture_not_jpeg`, `picture_digest_mismatch` or `picture_size_mismatch`; in this order.
    """
    if isinstance(frame, Frame):
        if picture is None:
            raise PayloadError("picture_missing", "the event has a frame, but no picture follows it")
        _check_claim(frame, picture, measure_picture(picture, limits))
    elif picture is not None:
        raise PayloadError(
            "picture_unclaimed", f"{len(picture)} bytes of picture that the event does not name"
        )

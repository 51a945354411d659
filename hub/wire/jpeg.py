"""Reads a JPEG's size, and how it is turned, from its header.

Not with Pillow: on hostile bytes it walks 8 MiB one at a time, interprets EXIF and warns through process-wide
state; it serves as the oracle in the tests.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from hub.wire.exif import UPRIGHT, read_orientation

# ISO/IEC 10918-1 annex B: 0xFF (perhaps repeated), the marker's code, a length that counts its own two bytes.
_SEGMENT = re.compile(rb"\xff+([\xc0-\xfe])(..)", re.DOTALL)
_FRAME_CODES = frozenset(b"\xc0\xc1\xc2")  # baseline, extended, progressive: what every decoder reads
_END_CODES = frozenset(b"\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda")  # none of them may precede the frame
_AFTER_PIXELS = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
_SCAN, _END, _EXIF = 0xDA, 0xD9, 0xE1
_MAX_SEGMENTS = 512  # a colour profile takes at most 255


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Size in pixels as stored, and how it is turned; 4 `components` are CMYK."""

    width: int
    height: int
    components: int
    orientation: int = UPRIGHT


def jpeg_size(picture: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels as stored, or None for what is not a JPEG of 8 bits a sample."""
    header = read_jpeg(picture)
    return None if header is None else (header.width, header.height)


def read_jpeg(picture: bytes) -> JpegHeader | None:
    """Return what a JPEG's header says, or None for what is not a JPEG of 8 bits a sample."""
    offset = 2 if picture.startswith(b"\xff\xd8") else len(picture)
    orientation = UPRIGHT
    for _ in range(_MAX_SEGMENTS):
        segment = _SEGMENT.match(picture, offset)
        if segment is None or segment[1][0] in _END_CODES:
            return None
        start, offset = segment.end(), segment.end() + int.from_bytes(segment[2], "big") - 2
        if segment[1][0] in _FRAME_CODES:
            return _read_frame(picture[start : start + 6], orientation)
        if segment[1][0] == _EXIF and picture[start : start + 6] == b"Exif\x00\x00":
            orientation = read_orientation(picture[start + 6 : offset])
    return None


def _read_frame(header: bytes, orientation: int) -> JpegHeader | None:
    if len(header) < 6:
        return None
    bits, height, width, components = struct.unpack(">BHHB", header)
    if bits != 8 or not width or not height:
        return None
    return JpegHeader(width, height, components, orientation)


def count_scans(picture: bytes, most: int) -> tuple[int, bool]:
    """Return how many scans a JPEG has, at most `most` + 1, and whether its end follows the last one.

    What lies behind the end, as phones put it there, is not looked at.
    """
    offset, scans = 2, 0
    for _ in range(_MAX_SEGMENTS + 2 * most):
        marker = _AFTER_PIXELS.match(picture, offset) if not scans else _AFTER_PIXELS.search(picture, offset)
        if marker is None or marker[1][0] == _END or scans > most:
            return scans, marker is not None and marker[1][0] == _END
        scans += marker[1][0] == _SCAN
        length = picture[marker.end() : marker.end() + 2]
        if len(length) < 2:
            break
        offset = marker.end() + max(2, int.from_bytes(length, "big"))
    return scans, False

"""Reads a JPEG's size from its header.

Not with Pillow: on hostile bytes it walks 8 MiB one at a time, interprets EXIF and warns through process-wide
state; it serves as the oracle in the tests.
"""

from __future__ import annotations

import re
import struct

# ISO/IEC 10918-1 annex B: 0xFF (perhaps repeated), the marker's code, a length that counts its own two bytes.
_SEGMENT = re.compile(rb"\xff+([\xc0-\xfe])(..)", re.DOTALL)
_FRAME_CODES = frozenset(b"\xc0\xc1\xc2")  # baseline, extended, progressive: what every decoder reads
_END_CODES = frozenset(b"\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda")  # none of them may precede the frame
_MAX_SEGMENTS = 512  # a colour profile takes at most 255


def jpeg_size(picture: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels, or None for what is not a JPEG of 8 bits a sample."""
    offset = 2 if picture.startswith(b"\xff\xd8") else len(picture)
    for _ in range(_MAX_SEGMENTS):
        segment = _SEGMENT.match(picture, offset)
        if segment is None or segment[1][0] in _END_CODES:
            return None
        if segment[1][0] in _FRAME_CODES:
            return _frame_size(picture[segment.end() : segment.end() + 5])
        offset = segment.end() + int.from_bytes(segment[2], "big") - 2
    return None


def _frame_size(header: bytes) -> tuple[int, int] | None:
    if len(header) < 5:
        return None
    bits, height, width = struct.unpack(">BHH", header)
    return (width, height) if bits == 8 and width and height else None

"""Reads a PNG's header and chunks, without decoding a pixel."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hub.wire.exif import UPRIGHT, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 20_000  # an 8 MB picture in chunks of 8 KB, as libpng writes them, has a thousand
_CHUNK = struct.Struct(">I4s")


@dataclass(frozen=True, slots=True)
class PngHeader:
    """Size in pixels as stored, and what the chunks tell; `is_whole` where the end was found."""

    width: int
    height: int
    orientation: int = UPRIGHT
    is_animated: bool = False
    is_whole: bool = False


def read_png(picture: bytes) -> PngHeader | None:
    """Return what a PNG's chunks say, or None for what is none.

    Source: PNG third edition, sections 5 and 11: IHDR comes first, IEND last; acTL makes it animated.
    """
    if not picture.startswith(SIGNATURE) or picture[12:16] != b"IHDR" or len(picture) < 33:
        return None
    width, height = struct.unpack_from(">II", picture, 16)
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        return None
    orientation, animated, offset = UPRIGHT, False, len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if len(picture) < offset + 12:
            break
        length, kind = _CHUNK.unpack_from(picture, offset)
        if kind == b"IEND":
            return PngHeader(width, height, orientation, animated, is_whole=True)
        if kind == b"eXIf":
            orientation = read_orientation(picture[offset + 8 : offset + 8 + length])
        animated |= kind == b"acTL"
        offset += 12 + length
    return PngHeader(width, height, orientation, animated)

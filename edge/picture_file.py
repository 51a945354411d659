"""Reads picture files, none of which is trusted: its size is looked up before a pixel is decoded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from hub.draw.picture import PictureError, decode_picture
from hub.wire.jpeg import jpeg_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 40_000_000  # the hub's limit by default; decoded they take 120 MB
MAX_SIDE = 65_500  # of a JPEG, as libjpeg writes it
_CANVAS = {
    b"VP8 ": struct.Struct("<26xHH"),
    b"VP8L": struct.Struct("<21xI"),
    b"VP8X": struct.Struct("<24x6s"),
}


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture's (height, width, 3) uint8 BGR pixels; grey, alpha and 16 bits are converted.

    Raises:
        PictureError: It is no picture, or too large a one.
        OSError: The file cannot be read.
    """
    if path.exists() and not path.is_file():  # reading a FIFO or a device may never end
        raise PictureError("is no file")
    if (found := path.stat().st_size) > MAX_BYTES:
        raise PictureError(f"has {found} bytes; at most {MAX_BYTES}")
    data = path.read_bytes()
    size = picture_size(data)
    if size is None:
        raise PictureError(f"cannot decode {len(data)} bytes as a JPEG, PNG, BMP or WebP picture")
    if fault := size_fault(*size):
        raise PictureError(fault)
    return decode_picture(data)


def size_fault(width: int, height: int) -> str | None:
    """Return what is wrong with a picture's size in pixels, if anything is."""
    if 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_PIXELS:
        return None
    return f"has {width} x {height} pixels; at most {MAX_PIXELS}, and 1 to {MAX_SIDE} a side"


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels as the header of a JPEG, PNG, BMP or WebP has it, or None."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">16xII", data)
            return width, height
        if data.startswith(b"BM"):
            return _bmp_size(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp_size(data)
    except struct.error:
        return None
    return jpeg_size(data)


def _bmp_size(data: bytes) -> tuple[int, int]:
    old = struct.unpack_from("<14xI", data)[0] == 12  # OS/2's header; a negative height means top down
    width, height = struct.unpack_from("<18xHH" if old else "<18xii", data)
    return width, abs(height)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Source: RFC 9649, sections 2.5 to 2.7."""
    kind = data[12:16]
    if kind not in _CANVAS:
        return None
    values = _CANVAS[kind].unpack_from(data)
    if kind == b"VP8 ":
        return values[0] & 0x3FFF, values[1] & 0x3FFF
    if kind == b"VP8L":
        return (values[0] & 0x3FFF) + 1, (values[0] >> 14 & 0x3FFF) + 1
    return int.from_bytes(values[0][:3], "little") + 1, int.from_bytes(values[0][3:], "little") + 1

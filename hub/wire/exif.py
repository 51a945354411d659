"""Reads how a picture is turned from its EXIF data, and nothing else: bounded, whatever the bytes are."""

from __future__ import annotations

import struct

UPRIGHT = 1
_ORIENTATION = 0x0112
_MOST_ENTRIES = 1000
_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}


def read_orientation(tiff: bytes) -> int:
    """Return the orientation, 1 to 8, of EXIF data from its TIFF header on; 1 where there is none to be read.

    Source: TIFF 6.0 section 2 and EXIF 2.32: the first directory alone has it, as an unsigned short.
    """
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for index in range(min(count, _MOST_ENTRIES)):
            tag, kind, number, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * index)
            if tag == _ORIENTATION:
                return value if kind == 3 and number == 1 and 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass  # it ends too early, which every viewer ignores as well
    return UPRIGHT


def turned(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return (width, height) of the upright picture."""
    return (height, width) if orientation >= 5 else (width, height)

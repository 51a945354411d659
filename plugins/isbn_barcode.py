"""Reads the barcodes of books out of a photograph: several, turned any way, and somewhat blurred.

zxing-cpp does the reading. By itself it misses bars that run askew and bars that are blurred, and takes a few
noisy lines for another book now and then (docs/isbn.md has the rates): so what OpenCV's detector finds is
straightened, and sharpened in steps until it can be read, and goes before what the whole picture gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import zxingcpp

from hub.event import Box
from plugins.isbn_number import Isbn, IsbnError, parse_isbn
from plugins.isbn_strip import TREATMENTS, straighten

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_REGIONS = 64
SEARCH_PX = 1600
"""The detector's corners are good enough in a picture of this length, and its time grows with the pixels."""
SMALLEST_PX = 40


class Reading(NamedTuple):
    """A book's barcode; `box` in fractions of the picture. `sharpened`: it was too blurred as it was."""

    isbn: Isbn
    box: Box
    sharpened: bool


class _Place(NamedTuple):
    """A book and the corners of its barcode, (4, 2) in pixels."""

    isbn: Isbn
    corners: NDArray[np.float32]
    sharpened: bool


def read_barcodes(picture: NDArray[np.uint8]) -> list[Reading]:
    """Return the books whose barcodes can be read, each place once, from left to right.

    Barcodes that are not books', such as the price beside a Japanese ISBN, are left out.

    Args:
        picture: (height, width) uint8, grey, upright.
    """
    straightened = [
        place for region in _find_regions(picture) if (place := _read_region(picture, region)) is not None
    ]
    kept: list[_Place] = []
    for place in [*straightened, *_read_whole(picture)]:
        if not any(_covers(other.corners, place.corners) for other in kept):
            kept.append(place)
    height, width = picture.shape
    readings = [Reading(one.isbn, _enclose(one.corners, width, height), one.sharpened) for one in kept]
    return sorted(readings, key=lambda reading: (reading.box.left, reading.box.top))


def _read(
    picture: NDArray[np.uint8], binarizer: Any = zxingcpp.Binarizer.LocalAverage
) -> list[tuple[str, NDArray[np.float32]]]:
    """Return the digits of barcodes and their corners, (4, 2) in pixels, as zxing-cpp reads them."""
    found = []
    for code in zxingcpp.read_barcodes(
        np.ascontiguousarray(picture),
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.EAN13),
        try_invert=False,
        binarizer=binarizer,
    ):
        at = code.position
        corners = [(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)]
        found.append((code.text, np.array(corners, np.float32)))
    return found


def _read_whole(picture: NDArray[np.uint8]) -> list[_Place]:
    """Return what can be read of the picture as it is, those of most lines first."""
    read = sorted(_read(picture), key=lambda one: -cv2.contourArea(one[1]))
    return [_Place(isbn, corners, False) for text, corners in read if (isbn := _book(text)) is not None]


def _book(digits: str) -> Isbn | None:
    try:
        return parse_isbn(digits)
    except IsbnError:
        return None


def _find_regions(picture: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Yield the corners, (4, 2) in pixels, of what looks like a barcode."""
    scale = min(1.0, SEARCH_PX / max(picture.shape))
    if min(picture.shape) * scale < SMALLEST_PX:
        return
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, regions = cv2.barcode.BarcodeDetector().detect(small)
    if found:
        yield from (np.asarray(corners, np.float32) / scale for corners in regions[:MAX_REGIONS])


def _covers(region: NDArray[np.float32], seen: NDArray[np.float32]) -> bool:
    """Whether the middle of either lies in the other; a reading may be a single line."""
    inside = cv2.pointPolygonTest(region, [float(v) for v in seen.mean(axis=0)], measureDist=False) >= 0
    return (
        inside or cv2.pointPolygonTest(seen, [float(v) for v in region.mean(axis=0)], measureDist=False) > 0
    )


def _enclose(corners: NDArray[np.float32], width: int, height: int) -> Box:
    (xmin, ymin), (xmax, ymax) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Box.from_corners(xmin / width, ymin / height, xmax / width, ymax / height)


def _read_region(picture: NDArray[np.uint8], region: NDArray[np.float32]) -> _Place | None:
    """Return the one book in a region.

    Where two lines disagree there is none: a misreading has a right check digit too.
    """
    strip = straighten(picture, region)
    for treat, binarizer, sharpened in TREATMENTS:
        read = _read(treat(strip.pixels), binarizer)
        if len({digits for digits, _ in read}) == 1:
            digits, corners = read[0]
            isbn = _book(digits)
            return None if isbn is None else _Place(isbn, strip.locate(corners), sharpened)
    return None

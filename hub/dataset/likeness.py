"""Which pictures are nearly the same, by a perceptual hash.

A difference hash of 16 x 16 brightnesses (256 bits): each bit says whether a place is brighter than the one
to its left. 64 bits, as is usual, call most frames of one fixed camera the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hub.dataset.reading import Tell, silent

if TYPE_CHECKING:
    from cv2.typing import MatLike
    from numpy.typing import NDArray

SIDE = 16
WORDS = SIDE * SIDE // 64
NEAR_BITS = 12
"""So many of 256 bits may differ: see docs/datasets.md."""
_REDUCED_FROM = 16 * SIDE  # pixels of the shorter side; decoding at an eighth takes a quarter of the time
_AT_ONCE = 512
_THREADS = 4


def hash_picture(path: Path) -> NDArray[np.uint64] | None:
    """Return a picture's hash, (4,) uint64, or None for what cannot be decoded. Blocks."""
    return _hash(np.fromfile(path, np.uint8))


def hash_bytes(data: bytes) -> bytes | None:
    """Return the hash of a JPEG or PNG, 32 bytes, or None for what cannot be decoded. Blocks."""
    found = _hash(np.frombuffer(data, np.uint8))
    return None if found is None else found.tobytes()


def _hash(data: NDArray[np.uint8]) -> NDArray[np.uint64] | None:
    pixels = _decode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
    if pixels is None or min(pixels.shape) * 8 < _REDUCED_FROM:  # a side below 8 cannot be reduced at all
        pixels = _decode(data, cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        return None
    small = cv2.resize(pixels, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    brighter = small[:, 1:] > small[:, :-1]
    return np.packbits(brighter).view(np.uint64)


def _decode(data: NDArray[np.uint8], how: int) -> MatLike | None:
    try:
        return cv2.imdecode(data, how) if data.size else None
    except cv2.error:
        return None


def hash_all(paths: Sequence[Path], tell: Tell = silent) -> list[NDArray[np.uint64] | None]:
    """Return the hash of every picture, in order."""
    found = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for done, one in enumerate(threads.map(_hash_or_none, paths)):
            tell(done, len(paths))
            found.append(one)
    tell(len(paths), len(paths))
    return found


def _hash_or_none(path: Path) -> NDArray[np.uint64] | None:
    try:
        return hash_picture(path)
    except OSError:
        return None


def find_near(hashes: NDArray[np.uint64], bits: int = NEAR_BITS) -> Iterator[tuple[int, int]]:
    """Yield pairs (lower index first) of (count, 4) hashes that differ in at most so many bits.

    Of pictures with the same hash each is paired with the first of them, and only that one with others. Every
    pair of different hashes is looked at: a second for 10,000 pictures, a hundred times that for 100,000.
    """
    first_of: dict[bytes, int] = {}
    for index, one in enumerate(hashes):
        first = first_of.setdefault(one.tobytes(), index)
        if first != index:
            yield first, index
    indices = np.fromiter(first_of.values(), np.intp, len(first_of))
    for low, high in _find_near_different(hashes[indices], bits):
        yield int(indices[low]), int(indices[high])


def _find_near_different(hashes: NDArray[np.uint64], bits: int) -> Iterator[tuple[int, int]]:
    for start in range(0, len(hashes), _AT_ONCE):
        block, others = hashes[start : start + _AT_ONCE], hashes[start:]
        differing = np.zeros((len(block), len(others)), np.uint16)
        for word in range(WORDS):
            differing += np.bitwise_count(block[:, word, None] ^ others[None, :, word])
        for row, column in np.argwhere(differing <= bits):
            if row < column:
                yield start + int(row), start + int(column)


def group(count: int, pairs: Iterator[tuple[int, int]]) -> list[int]:
    """Return for each of `count` pictures the lowest index of those it is near to, over any others."""
    parents = list(range(count))

    def root_of(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for first, second in pairs:
        low, high = sorted((root_of(first), root_of(second)))
        parents[high] = low
    return [root_of(index) for index in range(count)]

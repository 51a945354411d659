"""Which pictures are nearly the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.dataset.likeness import NEAR_BITS, find_near, group, hash_all, hash_picture


def test_picture_stays_near_to_itself_when_encoded_again_and_resized(
    make_picture: Callable[..., Path], tmp_path: Path
) -> None:
    first = make_picture("a.png", 640, 480, 1)
    pixels = cv2.resize(cv2.imread(str(first)), (320, 240), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "b.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])
    other = make_picture("c.png", 640, 480, 2)
    hashes = [hash_picture(path) for path in (first, tmp_path / "b.jpg", other)]
    assert list(find_near(np.array(hashes))) == [(0, 1)]


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7), (8, 8)])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_picture_of_few_pixels_has_a_hash(
    make_picture: Callable[..., Path], size: tuple[int, int], suffix: str
) -> None:
    assert hash_picture(make_picture(f"a.{suffix}", *size, 1)) is not None


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_what_does_not_decode_has_no_hash(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    assert hash_all([tmp_path / "a.jpg", tmp_path / "gone.jpg"]) == [None, None]


def test_pairs_are_those_that_a_plain_comparison_finds() -> None:
    random = np.random.default_rng(1)
    hashes = random.integers(0, 2**63, (1200, 4), np.uint64)
    for index in range(600):
        hashes[index + 600] = hashes[index]
        for bit in random.choice(64, index % 20, replace=False):
            hashes[index + 600, bit % 4] ^= np.uint64(1) << np.uint64(bit)
    near = {(index, index + 600) for index in range(600) if index % 20 <= NEAR_BITS}
    assert set(find_near(hashes)) == near


def test_groups_reach_over_others() -> None:
    assert group(6, iter([(4, 5), (1, 4), (0, 2)])) == [0, 1, 0, 3, 1, 1]

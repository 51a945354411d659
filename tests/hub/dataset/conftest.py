"""A small training set that has everything that formats can hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.dataset.box import Box
from hub.dataset.sample import Dataset, Object, Sample

MakePicture = Callable[..., Path]


def draw(path: Path, width: int, height: int, seed: int, suffix: str = ".jpg") -> Path:
    """Write a picture of large random patches, which no other seed resembles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    patches = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), np.uint8)
    pixels = cv2.resize(patches, (width, height), interpolation=cv2.INTER_NEAREST)
    done, data = cv2.imencode(suffix, pixels)
    assert done
    path.write_bytes(data.tobytes())
    return path


@pytest.fixture
def make_picture(tmp_path: Path) -> MakePicture:
    """A function from a path below the test's folder, width, height and seed to a JPEG."""

    def make(name: str, width: int = 641, height: int = 479, seed: int = 0) -> Path:
        return draw(tmp_path / name, width, height, seed, Path(name).suffix)

    return make


@pytest.fixture
def dataset(make_picture: MakePicture) -> Dataset:
    """Two splits, three classes of which one is not used, a negative, and names in all spellings."""
    train, validation = "train", "validation"
    first = make_picture("from/one.jpg", 641, 479, 1)
    second = make_picture("from/二つ目.JPG", 1920, 1080, 2)
    third = make_picture("from/a b.jpeg", 333, 777, 3)
    fourth = make_picture("from/four.png", 100, 64, 4)
    up = Object("thumbs-up", Box(10.0, 20.0, 30.0, 41.0))
    dog = Object("いぬ <&>", Box(0.0, 0.0, 333.0, 777.0))
    return Dataset(
        ("thumbs-up", "いぬ <&>", "unused"),
        (
            Sample("one.jpg", first, 641, 479, 3, (up, Object("いぬ <&>", Box(1.0, 2.0, 640.0, 3.0))), train),
            Sample("二つ目.JPG", second, 1920, 1080, 3, (), train),
            Sample("a b.jpeg", third, 333, 777, 3, (dog,), train),
            Sample("four.png", fourth, 100, 64, 3, (up,), validation),
        ),
    )

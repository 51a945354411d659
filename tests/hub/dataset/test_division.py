"""How samples are divided: by shares, never nearly the same pictures on two sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hub.dataset.division import Division, divide
from hub.dataset.finding import DatasetError
from hub.dataset.sample import Sample


@pytest.fixture
def samples(make_picture: Callable[..., Path]) -> list[Sample]:
    """Twenty pictures of four devices, the first four of them nearly the same."""
    found = []
    for number in range(20):
        path = make_picture(f"{number:02}.jpg", 64, 48, max(3, number))
        told = {"device": f"cam{number % 4}", "captured_at": f"2026-11-20T10:{number:02}:00"}
        found.append(Sample(path.name, path, 64, 48, 3, provenance=told))
    return found


def splits(samples: list[Sample]) -> dict[str, str | None]:
    return {sample.name: sample.split for sample in samples}


@pytest.mark.parametrize("seed", range(5))
def test_nearly_the_same_pictures_are_on_one_side(samples: list[Sample], seed: int) -> None:
    divided = divide(samples, Division((0.5, 0.5), "random", seed))
    assert (divided.alike, len({one.split for one in divided.samples[:4]})) == (3, 1)
    assert [sum(one.split == split for one in divided.samples) for split in ("train", "validation")] == [
        10,
        10,
    ]


def test_order_of_samples_changes_nothing_and_the_seed_does(samples: list[Sample]) -> None:
    division = Division((0.6, 0.2, 0.2), "random", 1)
    first = splits(divide(samples, division).samples)
    assert splits(divide(samples[::-1], division).samples) == first
    assert splits(divide(samples, replace(division, seed=2)).samples) != first


def test_latest_pictures_are_of_the_last_split_by_time(samples: list[Sample]) -> None:
    found = divide(samples, Division((0.7, 0.2, 0.1), "time")).samples
    assert [one.split for one in found] == ["train"] * 14 + ["validation"] * 4 + ["test"] * 2


def test_device_is_on_one_side_by_device(samples: list[Sample]) -> None:
    others = samples[4:]
    found = divide(others, Division((0.75, 0.25), "device")).samples
    assert len({(one.provenance["device"], one.split) for one in found}) == 4
    assert sum(one.split == "validation" for one in found) == 4


@pytest.mark.parametrize(
    "text", ["", "0.8", "0.8/0.3", "a/b", "0.5/0.5/0/0", "1/0", "nan/1", "0.4/0.3/0.2/0.1"]
)
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="--split"):
        Division.parse(text, "random", 0)

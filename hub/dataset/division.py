"""Divides samples into splits, so that nearly the same pictures are never on both sides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from hub.dataset.finding import DatasetError
from hub.dataset.likeness import WORDS, find_near, group, hash_all
from hub.dataset.reading import Tell, silent
from hub.dataset.sample import SPLITS, Sample, Split

By = Literal["device", "time", "random"]
Unit = list[int]
"""Indices of samples that stay together."""


@dataclass(frozen=True, slots=True)
class Division:
    """How samples are divided.

    Attributes:
        shares: Of train, validation and perhaps test; their sum is 1.
        by: `time` puts the latest pictures last, `device` keeps each device's on one side.
        seed: Of `random`, and of what else is left to chance.
    """

    shares: tuple[float, ...] = (0.8, 0.2)
    by: By = "random"
    seed: int = 0

    @classmethod
    def parse(cls, text: str, by: By, seed: int) -> Division:
        """Return the division of shares such as 0.8/0.2; raises DatasetError."""
        try:
            shares = tuple(float(part) for part in text.split("/"))
        except ValueError:
            shares = ()
        if not 1 <= len(shares) <= len(SPLITS) or not all(0 < one <= 1 for one in shares):
            raise DatasetError(f"--split {text!r}: one to three shares of train/validation/test, as 0.8/0.2")
        if abs(sum(shares) - 1) > 1e-6:
            raise DatasetError(f"--split {text!r}: the shares are {sum(shares):g} together, and must be 1")
        return cls(shares, by, seed)


@dataclass(frozen=True, slots=True)
class Divided:
    """Samples with their splits, and how many of them are like another."""

    samples: list[Sample]
    alike: int


def divide(samples: Sequence[Sample], division: Division, tell: Tell = silent) -> Divided:
    """Give every sample its split. The same samples, in whatever order, give the same splits."""
    near = _group_near(samples, tell)
    units = _make_units(samples, near, division.by)
    chosen: dict[int, Split] = {}
    for unit, split in _assign(units, samples, division):
        chosen |= dict.fromkeys(unit, split)
    alike = len(near) - len(set(near))
    return Divided([replace(one, split=chosen[index]) for index, one in enumerate(samples)], alike)


def _group_near(samples: Sequence[Sample], tell: Tell) -> list[int]:
    hashes = hash_all([sample.picture for sample in samples], tell)
    known = [index for index, one in enumerate(hashes) if one is not None]
    stacked = np.array([hashes[index] for index in known], np.uint64).reshape(len(known), WORDS)
    return group(len(samples), ((known[low], known[high]) for low, high in find_near(stacked)))


def _make_units(samples: Sequence[Sample], near: list[int], by: By) -> list[Unit]:
    """Return what stays together: near pictures, and with `device` all of a device's."""
    links: Iterator[tuple[int, int]] = ((first, index) for index, first in enumerate(near))
    whole = group(len(samples), _with_devices(samples, links)) if by == "device" else near
    units: dict[int, Unit] = defaultdict(list)
    for index, first in enumerate(whole):
        units[first].append(index)
    return list(units.values())


def _with_devices(samples: Sequence[Sample], links: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    yield from links
    devices: dict[object, Unit] = defaultdict(list)
    for index, sample in enumerate(samples):
        devices[sample.provenance.get("device")].append(index)
    for indices in devices.values():
        yield from pairwise(indices)


def _assign(units: list[Unit], samples: Sequence[Sample], division: Division) -> Iterator[tuple[Unit, Split]]:
    names = {id(unit): min(samples[index].name for index in unit) for unit in units}
    times = {id(unit): min(str(samples[i].provenance.get("captured_at", "")) for i in unit) for unit in units}

    def chance(unit: Unit) -> str:
        return hashlib.sha256(f"{division.seed}/{names[id(unit)]}".encode()).hexdigest()

    if division.by == "time":
        yield from _in_turn(sorted(units, key=lambda unit: (times[id(unit)], names[id(unit)])), division)
        return
    order: Callable[[Unit], tuple[int, str]] = lambda unit: (-len(unit), chance(unit))  # noqa: E731
    yield from _evenly(sorted(units, key=order), division)


def _in_turn(units: list[Unit], division: Division) -> Iterator[tuple[Unit, Split]]:
    """Yield the first units for the first split, until it has its share."""
    total, done = sum(map(len, units)), 0
    limits = [sum(division.shares[: index + 1]) * total for index in range(len(division.shares))]
    for unit in units:
        middle = done + len(unit) / 2
        yield unit, SPLITS[next((i for i, limit in enumerate(limits) if middle <= limit), len(limits) - 1)]
        done += len(unit)


def _evenly(units: list[Unit], division: Division) -> Iterator[tuple[Unit, Split]]:
    """Yield each unit for the split that lacks most of its share, the largest units first."""
    total = sum(map(len, units))
    lacking = [share * total for share in division.shares]
    for unit in units:
        index = max(range(len(lacking)), key=lambda one: (lacking[one], -one))
        lacking[index] -= len(unit)
        yield unit, SPLITS[index]

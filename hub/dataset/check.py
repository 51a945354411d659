"""Checks a training set: what its reader finds, and duplicates, leakage and pictures that do not decode."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hub.dataset.class_map import rename_classes
from hub.dataset.finding import Finding
from hub.dataset.folder import printable
from hub.dataset.formats import read_dataset
from hub.dataset.likeness import WORDS, find_near, hash_all
from hub.dataset.reading import Tell, silent
from hub.dataset.reference import references_in, tell_count, tell_how_to_fetch
from hub.dataset.sample import Dataset, Sample, Split


@dataclass(frozen=True, slots=True)
class Checked:
    """A set's format, what is usable of it, and what was found."""

    format: str
    dataset: Dataset
    findings: list[Finding]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Objects by class and split, with pictures and negatives under "" and "negatives"."""
        return {split: _count(self.dataset.of(split)) for split in self.dataset.splits}


def _count(samples: list[Sample]) -> dict[str, int]:
    found = Counter(one.label for sample in samples for one in sample.objects)
    negatives = sum(not sample.objects for sample in samples)
    return {"pictures": len(samples), "negatives": negatives} | dict(sorted(found.items()))


def check_dataset(
    root: Path,
    name: str | None = None,
    known: Mapping[str, str] | None = None,
    tell: Tell = silent,
    *,
    in_s3: bool = False,
) -> Checked:
    """Read a set and look at every picture.

    Args:
        known: A class map; classes that it does not name are findings.
        in_s3: Also a set whose pictures are in S3, as far as that goes without them.

    Raises:
        DatasetError: There is no such folder, its format is not known, or its pictures are in S3.
    """
    name, dataset, findings = read_dataset(root, name, tell, in_s3=in_s3)
    if known is not None:
        dataset, unmapped = rename_classes(dataset, known)
        findings += unmapped
    if not dataset.samples:
        findings.append(Finding("set_empty", ".", "no picture can be used", "wrong"))
    if addresses := references_in(dataset):
        said = (
            f"{tell_count(addresses)} in S3, not here: only boxes and classes were checked; in this folder, "
        )
        said += f"fetch: {tell_how_to_fetch(addresses)}"
        findings.append(Finding("picture_in_s3", ".", said, "noted"))
    else:
        findings += _find_alike(dataset, root.resolve(), tell)
    return Checked(name, dataset, findings)


def _find_alike(dataset: Dataset, root: Path, tell: Tell) -> Iterator[Finding]:
    samples = list({sample.picture: sample for sample in dataset.samples}.values())
    hashes = hash_all([sample.picture for sample in samples], tell)
    places = [printable(sample.picture.relative_to(root).as_posix()) for sample in samples]
    for place, one in zip(places, hashes, strict=True):
        if one is None:
            yield Finding("picture_unreadable", place, "cannot be decoded", "wrong")
    usable = [index for index, one in enumerate(hashes) if one is not None]
    stacked = np.array([hashes[index] for index in usable], np.uint64).reshape(len(usable), WORDS)
    yield from _find_pairs(samples, places, [(usable[low], usable[high]) for low, high in find_near(stacked)])


def _find_pairs(samples: list[Sample], places: list[str], pairs: list[tuple[int, int]]) -> Iterator[Finding]:
    """Yield one finding for each picture that is like an earlier one; of another split, if there is such."""
    digests: dict[int, str] = {}
    found: dict[int, Finding] = {}
    for first, second in sorted(pairs):
        if second in found and found[second].code == "leakage":
            continue
        splits = samples[first].split or "train", samples[second].split or "train"
        if second not in found or splits[0] != splits[1]:
            same = len({_digest(index, samples, digests) for index in (first, second)}) == 1
            found[second] = _tell_pair(places[second], places[first], splits, same=same)
    yield from found.values()


def _digest(index: int, samples: list[Sample], known: dict[int, str]) -> str:
    if index not in known:
        known[index] = hashlib.sha256(samples[index].picture.read_bytes()).hexdigest()
    return known[index]


def _tell_pair(place: str, other: str, splits: tuple[Split, Split], *, same: bool) -> Finding:
    how = "the same picture as" if same else "nearly the same picture as"
    if splits[0] != splits[1]:
        said = f"{how} {other}, which is of another split ({splits[0]}, {splits[1]})"
        return Finding("leakage", place, said, "wrong")
    return Finding("duplicate" if same else "near_duplicate", place, f"{how} {other}", "noted")

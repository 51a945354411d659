"""The formats by name, and which of them a folder has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from hub.dataset import coco, image_folder, manifest, sagemaker, table, voc, yolo
from hub.dataset.finding import DatasetError, Finding
from hub.dataset.folder import Folder, UnreadableError
from hub.dataset.output import Output, with_own_names
from hub.dataset.reading import Reading, Tell, silent
from hub.dataset.reference import references_in, tell_count, tell_how_to_fetch
from hub.dataset.sample import PROVENANCE, Dataset, Sample

_MODULES = (sagemaker, manifest, coco, yolo, voc, table, image_folder)
FORMATS: dict[str, ModuleType] = {module.NAME: module for module in _MODULES}
WRITTEN = tuple(name for name, module in FORMATS.items() if hasattr(module, "write"))


def find_format(folder: Folder) -> str:
    """Return the name of the format that a folder has; raises DatasetError for none, or several."""
    found = [name for name, module in FORMATS.items() if module.recognise(folder)]
    if len(found) > 1 and found[-1] == image_folder.NAME:
        found.pop()  # other formats keep pictures in folders of folders too
    if len(found) == 1:
        return found[0]
    said = f"could be {', '.join(found)}" if found else "has no format that is known"
    raise DatasetError(f"{folder.root}: {said}; name it with --format ({', '.join(FORMATS)})")


def read_dataset(
    root: Path, name: str | None = None, tell: Tell = silent, *, in_s3: bool = False
) -> tuple[str, Dataset, list[Finding]]:
    """Read a set: the format's name, what is usable, and what is wrong with the rest.

    Args:
        in_s3: Also one whose pictures are in S3, and not here.

    Raises:
        DatasetError: There is no such folder, its format is not known, or its pictures are in S3.
    """
    folder = Folder(root)
    name = name or find_format(folder)
    if name not in FORMATS:
        raise DatasetError(f"there is no format {name!r} (known: {', '.join(FORMATS)})")
    reading = Reading(folder, tell)
    dataset = _without_robbed(_without_missing(FORMATS[name].read(reading), reading), reading)
    if (addresses := references_in(dataset)) and not in_s3:
        count, how = tell_count(addresses), tell_how_to_fetch(addresses)
        raise DatasetError(f"{root}: {count} in S3, not here; in this folder, fetch: {how}")
    return name, _with_provenance(dataset, reading), reading.findings


def write_dataset(dataset: Dataset, name: str, output: Output) -> Dataset:
    """Write a set, and return it with the names its pictures got.

    Raises:
        DatasetError: The format is only read.
        OSError: The disk is full, and the like.
    """
    if name not in WRITTEN:
        raise DatasetError(f"format {name!r} is not written (known: {', '.join(WRITTEN)})")
    named = with_own_names(dataset)
    FORMATS[name].write(named, output)
    known = [(one.split or "train", one.name, one.provenance) for one in named.samples if one.provenance]
    if known:
        lines = (
            json.dumps({"split": split, "file": file, **provenance}, ensure_ascii=False)
            for split, file, provenance in known
        )
        output.text(PROVENANCE, "".join(f"{line}\n" for line in lines))
    return named


def _without_missing(dataset: Dataset, reading: Reading) -> Dataset:
    """Return a set of which some pictures are here without those that are in S3: they were not fetched."""
    here = tuple(one for one in dataset.samples if not one.reference)
    if not here:
        return dataset
    for one in dataset.samples:
        if one.reference:
            where = reading.folder.where(one.picture)
            reading.note("picture_missing", where, f"is in S3 and not here: {one.reference}", "left out")
    return replace(dataset, samples=here)


def _without_robbed(dataset: Dataset, reading: Reading) -> Dataset:
    """Return the set without pictures that lost every object: they would be taken for negatives."""
    robbed = {one.picture for one in dataset.samples if not one.objects} & reading.robbed
    for path in sorted(robbed):
        reading.note("picture_robbed", reading.folder.where(path), "all its objects are left out", "left out")
    return replace(dataset, samples=tuple(one for one in dataset.samples if one.picture not in robbed))


def _with_provenance(dataset: Dataset, reading: Reading) -> Dataset:
    """Return the set with what provenance.jsonl says of its samples."""
    path = reading.folder.root / PROVENANCE
    if not path.is_file() or path.is_symlink():
        return dataset
    known = {}
    for number, line in enumerate(_lines(reading, path), 1):
        try:
            said = dict(json.loads(line))
            json.dumps(said, ensure_ascii=False, allow_nan=False).encode()  # as it is written again
            known[(said.pop("split"), said.pop("file"))] = said
        except (ValueError, TypeError, KeyError, RecursionError):
            reading.note("provenance_unreadable", f"{PROVENANCE}:{number}", "no line of provenance", "noted")

    def find(one: Sample) -> Mapping[str, Any]:
        names = (one.name, reading.folder.where(one.picture))  # the path, where it was fetched from S3
        split = one.split or "train"
        return next((known[split, name] for name in names if (split, name) in known), {})

    return replace(dataset, samples=tuple(replace(one, provenance=find(one)) for one in dataset.samples))


def _lines(reading: Reading, path: Path) -> list[str]:
    try:
        return [line for line in reading.folder.text(path, 2**30).split("\n") if line.strip()]
    except UnreadableError as error:
        reading.note(error.code, PROVENANCE, error.reason, "noted")
        return []

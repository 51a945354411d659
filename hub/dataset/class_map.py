"""Renames classes by a TOML file of "from" = "to" lines, whose order the numbers get; "" leaves one out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hub.dataset.checked import name_of
from hub.dataset.finding import DatasetError, Finding
from hub.dataset.folder import UnreadableError
from hub.dataset.sample import Dataset, Object


def read_class_map(path: Path) -> dict[str, str]:
    """Return what a file says.

    Raises:
        DatasetError: It is no TOML of texts.
        OSError: It cannot be read.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: {error}; write lines such as "thumbs up" = "thumbs-up"') from error
    for name, value in said.items():
        if value == "":
            continue
        try:
            name_of(value, "the new name")
        except UnreadableError as error:
            raise DatasetError(f'{path}: {name}: {error.reason} ("" leaves the class out)') from error
    return said


def rename_classes(dataset: Dataset, known: Mapping[str, str]) -> tuple[Dataset, list[Finding]]:
    """Return the set with other classes; what the map does not name is left out, and found.

    A picture of nothing else is left out as well: it is no negative.

    Classes are then those of the map, in its order, also where no object has them.
    """
    findings: list[Finding] = []
    samples = []
    for sample in dataset.samples:
        unmapped = sorted({one.label for one in sample.objects} - set(known))
        findings += (
            Finding("class_unmapped", sample.name, f"the map has no {name!r}", "left out")
            for name in unmapped
        )
        renamed = replace(sample, objects=tuple(_rename(sample.objects, known)))
        if renamed.objects or not unmapped:
            samples.append(renamed)
    classes = dict.fromkeys(name for name in known.values() if name)
    return Dataset(tuple(classes), tuple(samples)), findings


def _rename(objects: tuple[Object, ...], known: Mapping[str, str]) -> list[Object]:
    kept = (one for one in objects if known.get(one.label))
    return [replace(one, label=known[one.label]) for one in kept]

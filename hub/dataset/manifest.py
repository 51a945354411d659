"""Augmented manifests of SageMaker Ground Truth: a line of JSON for each picture.

Source: the AWS documentation of augmented manifests; bounding boxes, and classes of whole pictures.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from hub.dataset.checked import (
    MOST_ADDRESS_CHARS,
    items,
    mapping,
    member,
    name_of,
    parse_json,
    refuse,
    side,
    whole,
)
from hub.dataset.folder import Folder, UnreadableError
from hub.dataset.numbering import Numbering
from hub.dataset.output import Output
from hub.dataset.picture import Picture
from hub.dataset.reading import Reading, split_of
from hub.dataset.sagemaker import corners_of, describe_boxes, describe_size
from hub.dataset.sample import Dataset, Object, Sample, Split

NAME = "manifest"
_SUFFIXES = (".manifest", ".jsonl")
_REF, _METADATA = "source-ref", "-metadata"
_DETECTION, _CLASSIFICATION = "groundtruth/object-detection", "groundtruth/image-classification"
_NO_DATE = "1970-01-01T00:00:00"


def _manifests(folder: Folder) -> list[Path]:
    return folder.under(".", suffixes=_SUFFIXES)


def recognise(folder: Folder) -> bool:
    """Whether there is a file of lines with a source-ref."""
    for path in _manifests(folder):
        with path.open("rb") as file:
            if f'"{_REF}"'.encode() in file.readline(2**20):
                return True
    return False


def read(reading: Reading) -> Dataset:
    """Read every manifest; a picture is found by the end of its address."""
    numbering, samples = Numbering(), []
    for path in reading.count(_manifests(reading.folder)):
        where = reading.folder.where(path)
        with reading.guard(where):
            for number, line in enumerate(reading.folder.text(path).split("\n"), 1):
                if line.strip():
                    with reading.guard(f"{where}:{number}"):
                        samples.append(_read_line(reading, path, f"{where}:{number}", line, numbering))
    return Dataset(numbering.classes, tuple(samples))


def _read_line(reading: Reading, path: Path, where: str, line: str, shared: Numbering) -> Sample:
    said = mapping(parse_json(line), "the line")
    address = name_of(member(said, _REF), _REF, MOST_ADDRESS_CHARS)
    try:
        picture = _find(reading, path, address)
    except UnreadableError as error:
        picture = reading.find_in_s3(address, error, lambda: _size_of(said))
    name, metadata = _find_labels(said)
    if metadata.get("type") == _CLASSIFICATION:
        objects = _read_class(said[name], metadata, shared)
        return reading.sample(picture, objects, split_of(path.name))
    own = _learn_classes(metadata, shared)
    width, height, depth = _size_of(said, picture.depth)
    reading.check_size((width, height), picture)
    labels = mapping(member(said, name), name)
    objects = []
    for index, one in enumerate(items(member(labels, "annotations"), "annotations")):
        place = f"{where} annotations[{index}]"
        with reading.guard_object(place, picture):
            label = own.name(whole(member(mapping(one, "it"), "class_id"), "class_id"))
            box = reading.judge(place, corners_of(one), (width, height))
            objects += [Object(label, box)] if box else []
    return reading.sample(picture, objects, split_of(path.name), (width, height, depth))


def _size_of(said: dict[str, Any], depth: int = 3) -> tuple[int, int, int]:
    """Return width, height and depth; `depth` where the line has none."""
    name, _ = _find_labels(said)
    sizes = items(member(mapping(member(said, name), name), "image_size"), "image_size")
    size = mapping(sizes[0] if sizes else None, "image_size[0]")
    width, height = (side(member(size, key), key) for key in ("width", "height"))
    return width, height, side(size.get("depth", depth), "depth")


def _find(reading: Reading, path: Path, address: str) -> Picture:
    """Return the picture that an address ends with, trying the longest end first."""
    key = urlsplit(address).path.lstrip("/") if "://" in address else address
    parts = PurePosixPath(key).parts
    reading.folder.inside(key)
    for start in range(len(parts) - 1):
        for base in (path.parent, reading.folder.root):
            found = reading.folder.inside("/".join(parts[start:]), base)
            if reading.folder.has_file(found):
                return reading.look_at(found)
    return reading.find_picture(parts[-1] if parts else address, path.parent, *map(str, parts[:-1][-1:]))


def _find_labels(said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of the label attribute and its metadata."""
    for name in said:
        metadata = said.get(name + _METADATA)
        if isinstance(metadata, dict) and metadata.get("type") in {_DETECTION, _CLASSIFICATION}:
            return name, metadata
    return refuse("a label attribute with metadata of a known type is missing; what there is,", sorted(said))


def _learn_classes(metadata: dict[str, Any], shared: Numbering) -> Numbering:
    own = Numbering()
    for number, name in mapping(member(metadata, "class-map"), "class-map").items():
        class_id = whole(number, "a number in class-map")
        own.learn(class_id, name_of(name, "a name in class-map"))
        shared.learn(class_id, name)
    return own


def _read_class(number: Any, metadata: dict[str, Any], shared: Numbering) -> list[Object]:
    name = name_of(member(metadata, "class-name"), "class-name")
    shared.learn(whole(number, "the class"), name)
    return [Object(name)]


def write(dataset: Dataset, output: Output) -> None:
    """Write a manifest and a folder of pictures for each split."""
    lines: dict[Split, list[str]] = {split: [] for split in dataset.splits}
    for sample in output.count(list(dataset.samples)):
        split = sample.split or "train"
        output.picture(sample, f"{split}/{sample.name}")
        reference = sample.reference or f"{output.prefix}{split}/{sample.name}"
        lines[split].append(json.dumps(_describe(sample, reference, dataset.classes), ensure_ascii=False))
    for split, own in lines.items():
        output.text(f"{split}.manifest", "".join(f"{line}\n" for line in own))


def _describe(sample: Sample, reference: str, classes: tuple[str, ...]) -> dict[str, Any]:
    boxes = describe_boxes(sample, classes)
    labels = {"image_size": [describe_size(sample)], "annotations": boxes}
    metadata = {
        "class-map": {str(number): name for number, name in enumerate(classes)},
        "type": _DETECTION,
        "human-annotated": "yes" if sample.is_by_people else "no",
        "creation-date": str(sample.provenance.get("captured_at", _NO_DATE))[:19],
        "job-name": "lenshub",
        "objects": [{"confidence": 1} for _ in boxes],
    }
    return {_REF: reference, "bounding-box": labels, "bounding-box" + _METADATA: metadata}

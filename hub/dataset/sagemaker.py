"""SageMaker's built-in object detection: one JSON for each picture, as the published pipeline made it.

Source: background of the published thumbs-up system: train/, validation/, train_annotation/,
validation_annotation/; keys file, image_size, annotations, categories; whole pixels.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hub.dataset.checked import items, mapping, member, name_of, number, parse_json, side, whole
from hub.dataset.folder import Folder
from hub.dataset.numbering import Numbering
from hub.dataset.output import Output
from hub.dataset.reading import Reading, split_of
from hub.dataset.sample import Dataset, Object, Sample

NAME = "sagemaker"
_SUFFIX = "_annotation"
_RETRAINING = {"training_annotation": "raw_images"}  # what the plugin `retraining` writes


def _annotations(folder: Folder) -> list[Path]:
    found = folder.under(".", suffixes=(".json",))
    return [path for path in found if path.parent.name.endswith(_SUFFIX)]


def recognise(folder: Folder) -> bool:
    """Whether there are folders of annotations as SageMaker's."""
    return bool(_annotations(folder))


def read(reading: Reading) -> Dataset:
    """Read every JSON in a folder whose name ends in _annotation."""
    numbering, samples = Numbering(), []
    for path in reading.count(_annotations(reading.folder)):
        with reading.guard(reading.folder.where(path)):
            samples.append(_read_one(reading, path, numbering))
    return Dataset(numbering.classes, tuple(samples))


def _read_one(reading: Reading, path: Path, numbering: Numbering) -> Sample:
    where = reading.folder.where(path)
    said = mapping(parse_json(reading.folder.text(path)), "the file")
    own = _learn_classes(reading, where, said, numbering)
    beside = path.parent.with_name(_RETRAINING.get(path.parent.name, path.parent.name.removesuffix(_SUFFIX)))
    picture = reading.find_picture(name_of(member(said, "file"), "file"), beside, path.parent.name)
    size = _read_size(said)
    reading.check_size(size[:2], picture)
    objects = []
    for index, one in enumerate(items(member(said, "annotations"), "annotations")):
        place = f"{where} annotations[{index}]"
        with reading.guard_object(place, picture):
            found = _read_object(reading, place, mapping(one, "it"), own, size[:2])
            objects += [found] if found else []
    return reading.sample(picture, objects, split_of(reading.folder.where(path.parent)), size)


def _learn_classes(reading: Reading, where: str, said: dict[str, Any], shared: Numbering) -> Numbering:
    own = Numbering()
    for one in items(member(said, "categories"), "categories"):
        with reading.guard(f"{where} categories"):
            category = mapping(one, "a category")
            class_id = whole(member(category, "class_id"), "class_id")
            name = name_of(member(category, "name"), "name")
            own.learn(class_id, name)
            shared.learn(class_id, name)
    return own


def _read_size(said: dict[str, Any]) -> tuple[int, int, int]:
    sizes = items(member(said, "image_size"), "image_size")
    size = mapping(sizes[0] if sizes else None, "image_size[0]")
    width, height = (side(member(size, name), name) for name in ("width", "height"))
    return width, height, side(member(size, "depth"), "depth")


def _read_object(
    reading: Reading, where: str, one: dict[str, Any], classes: Numbering, size: tuple[int, int]
) -> Object | None:
    label = classes.name(whole(member(one, "class_id"), "class_id"))
    box = reading.judge(where, corners_of(one), size)
    return Object(label, box) if box else None


def corners_of(one: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return the corners that left, top, width and height in pixels mean."""
    left, top, width, height = (
        number(member(one, name), name) for name in ("left", "top", "width", "height")
    )
    return left, top, left + width, top + height


def write(dataset: Dataset, output: Output) -> None:
    """Write pictures and annotations; boxes in whole pixels."""
    for split in ("train", "validation", *(["test"] if "test" in dataset.splits else [])):
        output.folder(split)
        output.folder(split + _SUFFIX)
    for sample in output.count(list(dataset.samples)):
        split = sample.split or "train"
        output.picture(sample, f"{split}/{sample.name}")
        text = json.dumps(annotate(sample, dataset.classes), ensure_ascii=False)
        output.text(f"{split}{_SUFFIX}/{Path(sample.name).stem}.json", text + "\n")


def annotate(sample: Sample, classes: tuple[str, ...]) -> dict[str, Any]:
    """Return a sample's annotation."""
    return {
        "file": sample.name,
        "image_size": [describe_size(sample)],
        "annotations": describe_boxes(sample, classes),
        "categories": [{"class_id": number, "name": name} for number, name in enumerate(classes)],
    }


def describe_size(sample: Sample) -> dict[str, int]:
    """Return a picture's size as SageMaker has it."""
    return {"width": sample.width, "height": sample.height, "depth": sample.depth}


def describe_boxes(sample: Sample, classes: tuple[str, ...]) -> list[dict[str, int]]:
    """Return objects as SageMaker has them: class and box in whole pixels."""
    found = []
    for one in sample.objects:
        left, top, width, height = sample.box_of(one).in_whole_pixels()
        number = {"class_id": classes.index(one.label)}
        found.append(number | {"left": left, "top": top, "width": width, "height": height})
    return found

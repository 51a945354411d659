"""COCO's object detection: one JSON for each split.

Source: the COCO data format: bbox is left, top, width, height in pixels; numbers are kept as decimals.
Flags and pose are kept in `attributes`, where CVAT has them too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hub.dataset.box import tidy
from hub.dataset.checked import (
    MOST_ADDRESS_CHARS,
    items,
    mapping,
    member,
    name_of,
    number,
    parse_json,
    refuse,
    side,
    whole,
)
from hub.dataset.folder import Folder, UnreadableError
from hub.dataset.numbering import Numbering
from hub.dataset.output import Output
from hub.dataset.reading import Reading, split_of
from hub.dataset.sample import FLAGS, UNSPECIFIED, Dataset, Object, Sample, Split

NAME = "coco"
MOST_BYTES = 1024 * 1024 * 1024  # the annotations of COCO 2017 have 450 MB
_BEGINNING = 2**16


def _files(folder: Folder) -> list[Path]:
    """Return the JSONs of this kind; beside instances_*, those of captions and keypoints say nothing new."""
    found = [path for path in folder.under(".", suffixes=(".json",)) if _is_coco(path)]
    return [path for path in found if path.name.startswith("instances_")] or found


def recognise(folder: Folder) -> bool:
    """Whether there is a JSON that names images, annotations or categories at its beginning or end."""
    return bool(_files(folder))


def _is_coco(path: Path) -> bool:
    if path.parent.name.endswith("_annotation"):  # SageMaker's
        return False
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
        file.seek(max(0, path.stat().st_size - _BEGINNING))
        seen = beginning + file.read(_BEGINNING)
    return sum(f'"{key}"'.encode() in seen for key in ("images", "annotations", "categories")) >= 2


def read(reading: Reading) -> Dataset:
    """Read every JSON of that kind."""
    numbering, samples = Numbering(), []
    for path in _files(reading.folder):
        with reading.guard(reading.folder.where(path)):
            samples += _read_one(reading, path, numbering)
    return Dataset(numbering.classes, tuple(samples))


def _read_one(reading: Reading, path: Path, shared: Numbering) -> list[Sample]:
    where = reading.folder.where(path)
    said = mapping(parse_json(reading.folder.text(path, MOST_BYTES)), "the file")
    own = Numbering()
    for index, one in enumerate(items(member(said, "categories"), "categories")):
        with reading.guard(f"{where} categories[{index}]"):
            category = mapping(one, "it")
            class_id, name = whole(member(category, "id"), "id"), name_of(member(category, "name"), "name")
            own.learn(class_id, name)
            shared.learn(class_id, name)
    images = _read_images(reading, path, said)
    for index, one in enumerate(items(said.get("annotations", []), "annotations")):
        place = f"{where} annotations[{index}]"
        with reading.guard(place):
            _read_object(reading, place, mapping(one, "it"), own, images)
    return [
        reading.sample(image.picture, objects, image.split, (image.width, image.height, image.depth))
        for image, objects in images.values()
        if image is not None
    ]


class _Image:
    """An entry of images, found."""

    def __init__(self, reading: Reading, path: Path, one: dict[str, Any]) -> None:
        split = split_of(path.name) or split_of(reading.folder.where(path))
        word = path.stem.removeprefix("instances_")
        folders = (f"images/{word}", word, f"images/{split}", str(split), "images", ".")
        name = name_of(member(one, "file_name"), "file_name", MOST_ADDRESS_CHARS)
        try:
            self.picture = reading.find_picture(name, path.parent, *folders)
        except UnreadableError as error:
            self.picture = reading.find_in_s3(one.get("coco_url"), error, lambda: (*_size_of(one), 3))
        self.width, self.height = _size_of(one)
        reading.check_size((self.width, self.height), self.picture)
        self.depth = self.picture.depth
        self.split = split or split_of(reading.folder.where(self.picture.path.parent))


def _size_of(image: dict[str, Any]) -> tuple[int, int]:
    return side(member(image, "width"), "width"), side(member(image, "height"), "height")


_Images = dict[int, tuple[_Image | None, list[Object]]]


def _read_images(reading: Reading, path: Path, said: dict[str, Any]) -> _Images:
    """Return the images by id; one that cannot be used keeps its id, so that its boxes are not strange."""
    found: _Images = {}
    images = items(member(said, "images"), "images")
    for index, one in enumerate(images):
        reading.tell(index, len(images))
        with reading.guard(f"{reading.folder.where(path)} images[{index}]"):
            image_id = whole(member(mapping(one, "it"), "id"), "id")
            if image_id in found:
                raise UnreadableError("value_wrong", f"id {image_id} is there twice")
            found[image_id] = (None, [])
            found[image_id] = (_Image(reading, path, one), [])
    reading.tell(len(images), len(images))
    return found


def _read_object(
    reading: Reading, where: str, one: dict[str, Any], classes: Numbering, images: _Images
) -> None:
    image_id = whole(member(one, "image_id"), "image_id")
    image, objects = images.get(image_id) or refuse("image_id is of no image:", image_id)
    if image is None:
        return
    with reading.guard_object(where, image.picture):
        if one.get("iscrowd") == 1:
            raise UnreadableError("object_crowd", "is the box of a crowd, not of one object")
        label = classes.name(whole(member(one, "category_id"), "category_id"))
        numbers = items(member(one, "bbox"), "bbox")
        if len(numbers) != 4:
            refuse("bbox must be four numbers, and", numbers)
        left, top, width, height = (number(value, "bbox") for value in numbers)
        corners = (left, top, left + width, top + height)
        box = reading.judge(where, corners, (image.width, image.height))
        if box is not None:
            attributes = mapping(one.get("attributes", {}), "attributes")
            flags = frozenset(flag for flag in FLAGS if attributes.get(flag) is True)
            pose = attributes.get("pose", UNSPECIFIED)
            objects.append(Object(label, box, flags, name_of(pose, "pose")))


def write(dataset: Dataset, output: Output) -> None:
    """Write annotations/instances_SPLIT.json and images/SPLIT/; numbers begin at 1."""
    files: dict[Split, dict[str, Any]] = {}
    for split in dataset.splits:
        classes = [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(dataset.classes, 1)
        ]
        info = {"description": "", "version": "1.0"}
        files[split] = {"info": info, "licenses": [], "images": [], "annotations": [], "categories": classes}
    for sample in output.count(list(dataset.samples)):
        split = sample.split or "train"
        output.picture(sample, f"images/{split}/{sample.name}")
        _add(files[split], sample, dataset.classes)
    for split, content in files.items():
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        output.text(f"annotations/instances_{split}.json", text + "\n")


def _add(content: dict[str, Any], sample: Sample, classes: tuple[str, ...]) -> None:
    image_id = len(content["images"]) + 1
    size = {"width": sample.width, "height": sample.height}
    where = {"coco_url": sample.reference} if sample.reference else {}
    content["images"].append({"id": image_id, "file_name": sample.name} | size | where)
    for one in sample.objects:
        box = sample.box_of(one)
        numbers = [tidy(value) for value in (box.left, box.top, box.width, box.height)]
        attributes: dict[str, Any] = dict.fromkeys(sorted(one.flags), True)
        attributes |= {} if one.pose == UNSPECIFIED else {"pose": one.pose}
        entry = {
            "id": len(content["annotations"]) + 1,
            "image_id": image_id,
            "category_id": classes.index(one.label) + 1,
            "bbox": numbers,
            "area": tidy(round(box.width * box.height, 9)),
            "segmentation": [],
            "iscrowd": 0,
        }
        content["annotations"].append(entry | ({"attributes": attributes} if attributes else {}))

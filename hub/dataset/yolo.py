"""YOLO: data.yaml, and a text of `class x y width height` in fractions for each picture.

Source: the dataset format of Ultralytics; classes.txt as labelImg writes it is read as well. A picture
without a text is a negative.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from hub.dataset.box import corners_of_fractions
from hub.dataset.checked import mapping, name_of, number, refuse, whole
from hub.dataset.folder import PICTURE_SUFFIXES, Folder, UnreadableError
from hub.dataset.numbering import Numbering
from hub.dataset.output import Output
from hub.dataset.picture import Picture
from hub.dataset.reading import Reading, split_of
from hub.dataset.sample import Dataset, Object, Sample

NAME = "yolo"
_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_CLASSES = "classes.txt"
_KEYS = {"train": "train", "validation": "val", "test": "test"}
_MOST_YAML_BYTES = 2**20


def _settings(folder: Folder) -> list[Path]:
    return [path for path in folder.under(".", suffixes=(".yaml", ".yml")) if path.name in _NAMES]


def _class_lists(folder: Folder) -> list[Path]:
    return [path for path in folder.under(".", suffixes=(".txt",)) if path.name == _CLASSES]


def recognise(folder: Folder) -> bool:
    """Whether there is a data.yaml, or a classes.txt and no VOC."""
    lists = _class_lists(folder)
    return bool(_settings(folder) or (lists and not folder.under(".", suffixes=(".xml",))))


def read(reading: Reading) -> Dataset:
    """Read every picture, and the text that belongs to it."""
    numbering, samples = _read_classes(reading), []
    pictures = reading.folder.under(".", suffixes=PICTURE_SUFFIXES)
    text_of = _match(pictures, _texts(reading.folder), reading.folder.root)
    for path in reading.count(pictures):
        with reading.guard(reading.folder.where(path)):
            picture, text = reading.look_at(path), text_of.get(path)
            objects = _read_text(reading, text, picture, numbering) if text else []
            samples.append(reading.sample(picture, objects, split_of(reading.folder.where(path.parent))))
    for path in sorted({*_texts(reading.folder).values()} - {*text_of.values()}):
        reading.note("picture_missing", reading.folder.where(path), "belongs to no picture", "left out")
    return Dataset(numbering.classes, tuple(samples))


def _match(pictures: list[Path], texts: dict[Path, Path], root: Path) -> dict[Path, Path]:
    """Return the text of each picture that has one: where it should lie, else the only one of its name."""
    found = {path: texts[place] for path in pictures if (place := _labels_of(path, root)) in texts}
    taken, by_stem = set(found.values()), defaultdict(list)
    for text in texts.values():
        if text not in taken:
            by_stem[text.stem].append(text)
    stems = Counter(path.stem for path in pictures)
    for path in pictures:
        left = by_stem[path.stem]
        if path not in found and len(left) == 1 and stems[path.stem] == 1:
            found[path] = left[0]
    return found


def _texts(folder: Folder) -> dict[Path, Path]:
    """Return the texts by their path without a suffix."""
    found = folder.under(".", suffixes=(".txt",))
    beside = {path.with_suffix("") for path in folder.under(".", suffixes=PICTURE_SUFFIXES)}
    own = (
        path
        for path in found
        if "labels" in path.relative_to(folder.root).parts or path.with_suffix("") in beside
    )
    return {path.with_suffix(""): path for path in own if path.name != _CLASSES}


def _labels_of(picture: Path, root: Path) -> Path:
    """Return where the text of a picture lies: the last `images` of its path is `labels`."""
    parts = list(picture.relative_to(root).with_suffix("").parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return root.joinpath(*parts)


def _read_classes(reading: Reading) -> Numbering:
    found = Numbering()
    for path in _settings(reading.folder):
        with reading.guard(reading.folder.where(path)):
            _learn(found, mapping(_parse_yaml(reading.folder.text(path, _MOST_YAML_BYTES)), "the file"))
    if not found.names:
        for path in _class_lists(reading.folder):
            with reading.guard(reading.folder.where(path)):
                lines = reading.folder.text(path).split("\n")
                for index, name in enumerate(line.strip() for line in lines if line.strip()):
                    found.learn(index, name_of(name, "a class"))
    return found


class _Texts(yaml.BaseLoader):  # type: ignore[misc] # PyYAML has no types
    """Takes numbers and dates as texts, and no aliases: with them, 350 bytes are a list of 9^10 texts."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise ComposerError(None, None, "an alias, which is not read; write out what it stands for", mark)
        return super().compose_node(parent, index)


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, _Texts)  # noqa: S506 - makes texts, lists and mappings only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise UnreadableError("not_yaml", f"{line}{getattr(error, 'problem', None) or 'too deep'}") from error


def _learn(found: Numbering, said: dict[str, Any]) -> None:
    names = said.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    for index, name in mapping(names, "names").items():
        found.learn(whole(index, "a number in names"), name_of(name, "a name in names"))


def _read_text(reading: Reading, path: Path, picture: Picture, classes: Numbering) -> list[Object]:
    objects, where = [], reading.folder.where(path)
    with reading.guard_object(where, picture):
        for line_number, line in enumerate(reading.folder.text(path).split("\n"), 1):
            if line.strip():
                with reading.guard_object(f"{where}:{line_number}", picture):
                    found = _read_line(reading, f"{where}:{line_number}", line.split(), picture, classes)
                    objects += [found] if found else []
    return objects


def _read_line(
    reading: Reading, where: str, words: list[str], picture: Picture, classes: Numbering
) -> Object | None:
    if len(words) != 5:
        refuse("a line must be a class and four numbers, and", " ".join(words))
    label = classes.name(whole(words[0], "the class"))
    x, y, width, height = (number(word, "a number") for word in words[1:])
    box = reading.judge(
        where, corners_of_fractions((x, y), (width, height), picture.upright), picture.upright
    )
    return Object(label, box) if box else None


def write(dataset: Dataset, output: Output) -> None:
    """Write data.yaml, images/SPLIT/ and labels/SPLIT/; fractions with up to fifteen decimals."""
    lines = [f"{_KEYS[split]}: images/{split}" for split in dataset.splits]
    if "validation" not in dataset.splits:
        lines.append("val: images/train")  # the key must be there; training programs refuse without
    names = [
        f"  {index}: {json.dumps(name, ensure_ascii=False)}" for index, name in enumerate(dataset.classes)
    ]
    output.text("data.yaml", "\n".join([*lines, "names:" if names else "names: {}", *names]) + "\n")
    for sample in output.count(list(dataset.samples)):
        split = sample.split or "train"
        output.picture(sample, f"images/{split}/{sample.name}")
        output.text(f"labels/{split}/{Path(sample.name).stem}.txt", _describe(sample, dataset.classes))


def _describe(sample: Sample, classes: tuple[str, ...]) -> str:
    lines = []
    for one in sample.objects:
        fractions = sample.box_of(one).as_fractions(sample.width, sample.height)
        lines.append(" ".join([str(classes.index(one.label)), *map(_decimal, fractions)]))
    return "".join(f"{line}\n" for line in lines)


def _decimal(value: float) -> str:
    """Return a number without an exponent, which not every reader knows."""
    return f"{value:.15f}".rstrip("0").rstrip(".")

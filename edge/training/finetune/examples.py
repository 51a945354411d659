"""Reads a training set as a model sees it: letterboxed pictures, with boxes in pixels of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.model_card import ModelCard
from edge.picture_file import read_picture
from hub.dataset.class_map import rename_classes
from hub.dataset.finding import DatasetError, errors_in
from hub.dataset.formats import read_dataset
from hub.dataset.sample import Dataset, Sample, Split
from hub.draw.letterbox import Letterbox
from hub.errors import ConfigError
from hub.event import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT = 2000  # pictures of 192 x 192 in memory: 220 MB


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture at input size, (height, width, 3) uint8 BGR, with what is in it.

    Attributes:
        boxes: (n, 4), corners in pixels of the input.
        number: The class of the whole picture; -1 where there is none.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    number: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture's file, and what people said is in it: boxes in fractions, and the whole picture's label."""

    path: Path
    boxes: tuple[tuple[str, Box], ...]
    label: str | None


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What is learnt from, what it is judged by, and the classes there are."""

    root: Path
    train: tuple[Labelled, ...]
    validation: tuple[Labelled, ...]
    classes: tuple[str, ...]
    reviewed: int


def read_training_set(root: Path, known: Mapping[str, str] | None = None) -> TrainingSet:
    """Read a training set of any format.

    Args:
        known: A class map.

    Raises:
        ConfigError: It cannot be read, has errors, or lacks one of the splits.
    """
    try:
        _, dataset, findings = read_dataset(root)
        if known is not None:
            dataset, _ = rename_classes(dataset, known)
    except DatasetError as error:
        raise ConfigError(str(error)) from error
    if wrong := errors_in(findings):
        first = f"{wrong[0].where}: {wrong[0].said}"
        raise ConfigError(f"{root}: {len(wrong)} errors, such as {first} (lenshub dataset check {root})")
    parts = {split: _label_all(dataset, split) for split in ("train", "validation")}
    if empty := [split for split, found in parts.items() if not found]:
        raise ConfigError(
            f"{root}: has no {' and no '.join(empty)} pictures (export it with --split 0.8/0.2)"
        )
    reviewed = sum(one.is_by_people for one in dataset.samples)
    return TrainingSet(root, parts["train"], parts["validation"], dataset.classes, reviewed)


def _label_all(dataset: Dataset, split: Split) -> tuple[Labelled, ...]:
    return tuple(map(_label, dataset.of(split)))


def _label(sample: Sample) -> Labelled:
    size = sample.width, sample.height
    boxes = [(one.label, sample.box_of(one).corners) for one in sample.objects]
    whole = {one.label for one in sample.objects}
    fractions = tuple((label, _in_fractions(corners, size)) for label, corners in boxes)
    return Labelled(sample.picture, fractions, whole.pop() if len(whole) == 1 else None)


def _in_fractions(corners: Sequence[float], size: tuple[int, int]) -> Box:
    xmin, ymin, xmax, ymax = corners
    return Box.from_corners(xmin / size[0], ymin / size[1], xmax / size[0], ymax / size[1])


class Examples:
    """The pictures of a split as a model's input; those used last are kept in memory."""

    def __init__(self, pictures: Sequence[Labelled], card: ModelCard, labels: Sequence[str]) -> None:
        self._pictures, self._card = pictures, card
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._other = next((self._numbers[label] for label in card.ignore if label in self._numbers), -1)
        self.read = lru_cache(KEPT)(self._read)

    def __len__(self) -> int:
        return len(self._pictures)

    def _read(self, index: int) -> Example:
        """Return one picture; raises PictureError, OSError."""
        one = self._pictures[index]
        frame = read_picture(one.path)
        fit = Letterbox.fit(frame.shape[1], frame.shape[0], self._card.width, self._card.height)
        placed = [fit.to_input(box).corners_in(fit.width, fit.height) for _, box in one.boxes]
        number = self._numbers.get(one.label or "", self._other)
        return Example(fit.resize(frame), np.array(placed, np.float32).reshape(-1, 4), number)

"""The neutral model of a training set: what every format is read into and written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub.dataset.box import Box

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
FLAGS = ("difficult", "occluded", "truncated")
UNSPECIFIED = "Unspecified"
PROVENANCE = "provenance.jsonl"


@dataclass(frozen=True, slots=True)
class Object:
    """Something in a picture; without a box the class is said of the whole picture.

    Attributes:
        flags: Those of FLAGS that hold.
        pose: As Pascal VOC has it.
    """

    label: str
    box: Box | None = None
    flags: frozenset[str] = frozenset()
    pose: str = UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture of width x height pixels and `depth` channels; without objects it is a negative.

    Attributes:
        name: The file's name in the set, without a folder.
        picture: Where the file lies; of a set that was read with its pictures in S3, where it would lie.
        reference: Where the picture lies in S3, if the set names it there and does not hold it.
        as_stored: Whether size and boxes are of the picture as stored, which EXIF turns.
        provenance: Where it comes from and why it was chosen, as JSON has it; empty where that is not known.
    """

    name: str
    picture: Path
    width: int
    height: int
    depth: int
    objects: tuple[Object, ...] = ()
    split: Split | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict, hash=False)
    reference: str = ""
    as_stored: bool = False

    @property
    def is_by_people(self) -> bool:
        """Whether people said what is in it; of a set without provenance that is taken for granted."""
        return not self.provenance or "review" in self.provenance

    def box_of(self, found: Object) -> Box:
        """Return an object's box; that of the whole picture where it has none."""
        return found.box or Box(0.0, 0.0, float(self.width), float(self.height))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples, and the classes in the order of their numbers, from 0; a class may have no object."""

    classes: tuple[str, ...]
    samples: tuple[Sample, ...]

    def of(self, split: Split | None) -> list[Sample]:
        """Return the samples of a split; those without one count as training."""
        return [one for one in self.samples if (one.split or "train") == split]

    @property
    def splits(self) -> list[Split]:
        """The splits that have samples; always at least `train`."""
        return [split for split in SPLITS if split == "train" or self.of(split)]

"""What models are asked: the pictures of one split, what is true of them, and which classes count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.model_card import ModelCard
from hub.dataset.image_folder import class_of
from hub.dataset.sample import Dataset, Sample
from hub.errors import ConfigError, HubError
from hub.event import Box

BOXES, PICTURES = "ssd", "classification"
ALL = "all"
PREFERRED = ("validation", "test")


class EvaluationError(HubError):
    """A model cannot be evaluated on a set."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a picture, or of the place of a box in it, in fractions of the picture."""

    label: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture. `size` is the width and height in pixels that its boxes are of."""

    name: str
    path: Path
    size: tuple[int, int]
    truths: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Exam:
    """Pictures to be looked at.

    Attributes:
        kind: What models say: `ssd` boxes, `classification` a label for the whole picture.
        classes: Those that figures are given of, in order.
        counted: The labels of detections that count; the set cannot tell whether others are true.
        notes: What is left out and why, a line each.
    """

    kind: str
    split: str
    classes: tuple[str, ...]
    counted: frozenset[str]
    scenes: tuple[Scene, ...]
    notes: tuple[str, ...]


def set_exam(dataset: Dataset, cards: Sequence[ModelCard], split: str | None = None) -> Exam:
    """Return what models are asked about a set.

    Args:
        split: train, validation, test or all; None takes validation, else test, else all there is.

    Raises:
        ConfigError: A model is of a kind that cannot be evaluated, or they are of several.
        EvaluationError: There is no picture in the split, or no class that both set and models know.
    """
    kind = _find_kind(cards)
    name, samples = _take_split(dataset, split)
    known = list(dict.fromkeys(label for card in cards for label in labels_of(card)))
    ignored = {label for card in cards for label in card.ignore} - set(known)
    named = [label for label in dataset.classes if label not in ignored]
    shared = tuple(label for label in named if label in known)
    if named and not shared:
        raise EvaluationError(
            f"the set's classes ({_list(named)}) and the model's ({_list(known)}) have none in common: "
            "name the set's as the model does with --classes"
        )
    classes = shared or tuple(known)
    notes = list(_tell_strangers(samples, named, known, kind))
    counted = frozenset(classes if kind == BOXES else known)
    if kind == BOXES:
        scenes = [_scene(sample, list(_boxes_of(sample, counted))) for sample in samples]
    else:
        scenes, left_out = _name_pictures(samples, counted, ignored)
        notes += left_out
        classes = tuple(label for label in known if label in counted)
    notes += _tell_unequal(cards, classes)
    if not scenes:
        raise EvaluationError(f"no picture of the split {name} can be used (--split)")
    return Exam(kind, name, classes, counted, tuple(scenes), tuple(notes))


def labels_of(card: ModelCard) -> list[str]:
    """Return the labels that a model can give, in the order of their numbers."""
    numbers = sorted({*range(len(card.labels)), *card.classes})
    found = (card.label_of(number) for number in numbers)
    return list(dict.fromkeys(label for label in found if label is not None))


def _find_kind(cards: Sequence[ModelCard]) -> str:
    for card in cards:
        if card.kind not in (BOXES, PICTURES):
            raise ConfigError(
                f"{card.name}: kind {card.kind!r} cannot be evaluated ({BOXES} and {PICTURES} can)"
            )
    kinds = {card.kind for card in cards}
    if len(kinds) > 1:
        raise ConfigError("one model gives boxes and the other one label a picture: they cannot be compared")
    return kinds.pop()


def _take_split(dataset: Dataset, split: str | None) -> tuple[str, list[Sample]]:
    if not dataset.samples:
        raise EvaluationError("the set has no picture that can be used (lenshub dataset check says why)")
    having = {name: dataset.of(name) for name in dataset.splits}
    name = split or next((name for name in PREFERRED if having.get(name)), ALL)  # type: ignore[call-overload]
    found = (
        list(dataset.samples)
        if name == ALL
        else [one for key, all_ in having.items() if key == name for one in all_]
    )
    if not found:
        there = ", ".join(f"{key} {len(all_)}" for key, all_ in having.items() if all_)
        raise EvaluationError(f"the set has no pictures of the split {name} (there are: {there})")
    return name, found


def _tell_strangers(
    samples: Sequence[Sample], named: Sequence[str], known: Sequence[str], kind: str
) -> Iterator[str]:
    counts = Counter(one.label for sample in samples for one in sample.objects)
    strange = [label for label in named if label not in known]
    if strange and kind == BOXES:
        lost = sum(counts[label] for label in strange)
        counted = "1 object is" if lost == 1 else f"{lost} objects are"
        yield f"no model knows {_list(strange)}: {counted} not counted (--classes MAP renames classes)"
    silent = [label for label in known if label not in named]
    if silent and named and kind == BOXES:
        yield f"the set does not name {_list(silent)}: such detections are not counted"
    if not named:
        yield "the set names no class: every picture is one of nothing, and all that is found is false"


def _tell_unequal(cards: Sequence[ModelCard], classes: Sequence[str]) -> Iterator[str]:
    for place, card in zip(("old", "new"), cards, strict=False):
        if lacking := [label for label in classes if label not in labels_of(card)]:
            yield f"the {place} model does not know {_list(lacking)}: it misses all of them"


def _list(labels: Sequence[str], most: int = 8) -> str:
    rest = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + rest


def _scene(sample: Sample, truths: Sequence[Truth]) -> Scene:
    return Scene(sample.name, sample.picture, (sample.width, sample.height), tuple(truths))


def _boxes_of(sample: Sample, counted: frozenset[str]) -> Iterator[Truth]:
    for one in sample.objects:
        if one.label in counted:
            box, width, height = sample.box_of(one), sample.width, sample.height
            left, top = box.left / width, box.top / height
            yield Truth(
                one.label, Box(left=left, top=top, width=box.width / width, height=box.height / height)
            )


def _name_pictures(
    samples: Sequence[Sample], counted: frozenset[str], ignored: set[str]
) -> tuple[list[Scene], list[str]]:
    """Return scenes with at most one truth each, and what was left out; what models ignore is nothing."""
    scenes, several = [], 0
    strange: Counter[str] = Counter()
    for sample in samples:
        label = class_of(sample)
        if sample.objects and label is None:
            several += 1
        elif label is None or label in ignored:
            scenes.append(_scene(sample, ()))
        elif label in counted:
            scenes.append(_scene(sample, [Truth(label)]))
        else:
            strange[str(label)] += 1
    notes = []
    if several:
        notes.append(f"pictures of several classes: {several} left out, for a model says one of each")
    if strange:
        notes.append(
            f"pictures of classes that no model knows ({_list(sorted(strange))}): "
            f'{strange.total()} left out (--classes MAP renames classes; "" makes them pictures of nothing)'
        )
    return scenes, notes

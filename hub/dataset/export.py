"""Makes a training set of stored events."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.dataset.choice import NOT_REVIEWED, Chosen
from hub.dataset.class_map import rename_classes
from hub.dataset.convert import Target, leave_out_misfits, write_target
from hub.dataset.datasheet import as_json, as_markdown, describe_dataset
from hub.dataset.division import Division, divide
from hub.dataset.finding import DatasetError
from hub.dataset.folder import UnreadableError
from hub.dataset.from_event import make_sample
from hub.dataset.reading import Tell, in_order, silent
from hub.dataset.sample import Dataset, Sample
from hub.event import Frame
from hub.store.frames import FrameStore

DATASHEET, CLASSES = "datasheet", "datasheet.png"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what the datasheet says of it."""

    dataset: Dataset
    facts: dict[str, Any]


def export_dataset(
    chosen: Chosen,
    frames: FrameStore,
    target: Target,
    division: Division,
    how: Mapping[str, Any],
    known: Mapping[str, str] | None = None,
    tell: Tell = silent,
) -> Exported:
    """Write chosen events with a datasheet; the same events and options give the same bytes. Blocks.

    Args:
        how: The options, as the datasheet tells them.
        known: A class map, which must name every class.

    Raises:
        DatasetError: Nothing is left to write, it cannot be written there, or the map lacks a class.
        OSError: The disk is full, and the like; then nothing is left of it.
    """
    target.check()
    left_out = Counter(chosen.left_out)
    samples = _make_samples(chosen, frames, left_out, tell)
    dataset = Dataset(in_order([o.label for s in samples for o in s.objects]), tuple(samples))
    if known is not None:
        dataset, unmapped = rename_classes(dataset, known)
        if unmapped:
            said = ", ".join(sorted({finding.said for finding in unmapped}))
            raise DatasetError(f'{said}; name what the class becomes, "" leaves it out')
    dataset, misfits = leave_out_misfits(dataset, target.format)
    left_out[f"that {target.format} has no place for"] += len(misfits)
    if not dataset.samples:
        raise DatasetError(f"nothing to export: {_tell_left_out(left_out)}{_advise(left_out)}")
    divided = divide(list(dataset.samples), division, tell)
    dataset = Dataset(dataset.classes, tuple(divided.samples))
    facts = describe_dataset(dataset, how, left_out, divided.alike)
    return Exported(write_target(dataset, target, tell, _make_sheets(facts)), facts)


def _make_sheets(facts: dict[str, Any]) -> dict[str, bytes]:
    """Return the datasheet's files; the picture where there is a library that draws it."""
    sheets = {f"{DATASHEET}.json": as_json(facts).encode()}
    if importlib.util.find_spec("matplotlib") is not None:
        from hub.dataset.plot import draw_counts

        sheets[CLASSES] = draw_counts(facts)
    text = as_markdown(facts, picture=CLASSES if CLASSES in sheets else None)
    return sheets | {f"{DATASHEET}.md": text.encode()}


def _tell_left_out(left_out: Mapping[str, int]) -> str:
    said = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    return f"of the events, {said}" if said else "there is no event"


def _advise(left_out: Mapping[str, int]) -> str:
    if not left_out.get(NOT_REVIEWED):
        return ""
    return "; `lenshub review --all` shows them one by one, --unreviewed takes them as they are"


def _make_samples(chosen: Chosen, frames: FrameStore, left_out: Counter[str], tell: Tell) -> list[Sample]:
    samples = []
    for done, event in enumerate(chosen.events):
        tell(done, len(chosen.events))
        reference = "" if chosen.references is None else chosen.references.get(event.id)
        if reference is None:
            left_out["whose picture is not in the bucket"] += 1
        elif isinstance(event.frame, Frame):
            why = chosen.captured.get(event.id)
            try:
                samples.append(make_sample(event, event.frame, frames.path, why, reference))
            except UnreadableError:
                left_out["whose picture is gone or damaged"] += 1
    return samples

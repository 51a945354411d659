"""Converts a training set into another format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.dataset import coco, image_folder, yolo
from hub.dataset.class_map import rename_classes
from hub.dataset.finding import DatasetError, Finding, errors_in
from hub.dataset.formats import WRITTEN, read_dataset, write_dataset
from hub.dataset.output import Output, written_beside
from hub.dataset.reading import Tell, silent
from hub.dataset.sample import Dataset, Sample
from hub.event import is_name

MANIFEST = "manifest"
IN_S3 = (MANIFEST, coco.NAME)
"""The formats that can name a picture in S3."""
NOTHING: Mapping[str, bytes] = {}


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how a set is written.

    Args:
        copies: Copy pictures also where a hard link would do.
        prefix: What stands before a picture's path in a manifest.
        references: Pictures stay in S3, and are named there.
    """

    folder: Path
    format: str
    copies: bool = False
    prefix: str = ""
    references: bool = False

    def check(self) -> None:
        """Raise DatasetError for what can be known to fail before anything is read."""
        if self.format not in WRITTEN:
            raise DatasetError(f"format {self.format!r} is not written (known: {', '.join(WRITTEN)})")
        if self.prefix and self.format != MANIFEST:
            raise DatasetError(f"a prefix is of the format {MANIFEST}, not of {self.format}")
        if self.references and self.format not in IN_S3:
            known = " or ".join(IN_S3)
            raise DatasetError(
                f"format {self.format!r} does not name pictures in S3; --reference needs {known}"
            )
        if self.references and (self.copies or self.prefix):
            raise DatasetError("--reference leaves pictures where they are: without --copy and --prefix")
        if self.folder.exists():
            raise DatasetError(f"{self.folder}: is there already; name a new folder")


@dataclass(frozen=True, slots=True)
class Converted:
    """What was read and found; a set with errors is not written unless it is repaired."""

    format: str
    dataset: Dataset
    findings: list[Finding]
    is_written: bool


def convert_dataset(
    source: Path,
    target: Target,
    name: str | None = None,
    known: Mapping[str, str] | None = None,
    tell: Tell = silent,
    *,
    repair: bool = False,
) -> Converted:
    """Read a set and write it in another format.

    Args:
        repair: Write what is usable of a set with errors, with boxes put in order and cut off at the edge.

    Raises:
        DatasetError: The set cannot be read, or not be written there.
        OSError: The disk is full, and the like; then nothing is left of it.
    """
    target.check()
    name, dataset, findings = read_dataset(source, name, tell)
    if known is not None:
        dataset, unmapped = rename_classes(dataset, known)
        findings += unmapped
    dataset, misfits = leave_out_misfits(dataset, target.format)
    findings += misfits
    if not dataset.samples:
        findings.append(Finding("set_empty", ".", "no picture can be used", "wrong"))
    if (errors_in(findings) and not repair) or not dataset.samples:
        return Converted(name, dataset, findings, is_written=False)
    write_target(dataset, target, tell)
    return Converted(name, dataset, findings, is_written=True)


def write_target(
    dataset: Dataset, target: Target, tell: Tell = silent, files: Mapping[str, bytes] = NOTHING
) -> Dataset:
    """Write a set beside its place and rename it at the end; `files` are further ones by name."""
    with written_beside(target.folder) as partial:
        output = Output(partial, tell, copies=target.copies, prefix=target.prefix)
        named = write_dataset(dataset, target.format, output)
        for name, data in files.items():
            output.file(name, data)
    return named


def leave_out_misfits(dataset: Dataset, name: str) -> tuple[Dataset, list[Finding]]:
    """Return the set without what a format has no place for, and a finding for each sample of that."""
    checked = [(one, _find_misfit(one, name)) for one in dataset.samples]
    kept = tuple(sample for sample, misfit in checked if misfit is None)
    classes = tuple(filter(is_name, dataset.classes))
    return Dataset(classes, kept), [misfit for _, misfit in checked if misfit is not None]


def _find_misfit(sample: Sample, name: str) -> Finding | None:
    """Return why a sample has no place; a label of the store may be older than the rule for labels."""
    unfit = next((one.label for one in sample.objects if not is_name(one.label)), None)
    if unfit is not None:
        return Finding("class_unwritable", sample.name, f"{unfit!a} cannot be in a file", "left out")
    if name == yolo.NAME and sample.as_stored and sample.objects:
        said = "EXIF turns it, and its boxes are of it as stored; yolo's are of the upright picture"
        return Finding("size_differs", sample.name, said, "left out")
    if name != image_folder.NAME:
        return None
    label = image_folder.class_of(sample)
    if label is None:
        said = "has no class, or several; imagefolder needs one"
        return Finding("class_not_single", sample.name, said, "left out")
    if image_folder.folder_of(label) is None:
        return Finding("class_unwritable", sample.name, f"{label!r} is too long for a folder", "left out")
    return None

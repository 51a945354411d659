"""What is found in a set beyond what its reader says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from hub.dataset.check import check_dataset
from hub.dataset.formats import write_dataset
from hub.dataset.output import Output
from hub.dataset.sample import Dataset, Sample


def write(dataset: Dataset, root: Path, *more: Sample) -> Path:
    write_dataset(replace(dataset, samples=(*dataset.samples, *more)), "voc", Output(root))
    return root


def test_set_without_faults_has_no_findings(dataset: Dataset, tmp_path: Path) -> None:
    found = check_dataset(write(dataset, tmp_path / "set"))
    assert (found.format, found.findings) == ("voc", [])
    assert found.counts["train"] == {"pictures": 3, "negatives": 1, "thumbs-up": 1, "いぬ <&>": 2}


def test_same_picture_in_both_splits_is_leakage(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.samples[0]
    root = write(dataset, tmp_path / "set", replace(first, name="x.jpg", split="validation"))
    (finding,) = check_dataset(root).findings
    assert (finding.code, finding.where, finding.is_error) == ("leakage", "JPEGImages/x.jpg", True)
    assert finding.said.startswith("the same picture as JPEGImages/one.jpg, which is of another split")


def test_same_picture_twice_is_worth_knowing(dataset: Dataset, tmp_path: Path) -> None:
    root = write(dataset, tmp_path / "set", replace(dataset.samples[0], name="x.jpg"))
    (finding,) = check_dataset(root).findings
    assert (finding.code, finding.is_error) == ("duplicate", False)


def test_picture_of_another_encoding_is_a_near_duplicate(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.samples[0]
    changed = tmp_path / "changed.jpg"
    shutil.copyfile(first.picture, changed)
    changed.write_bytes(changed.read_bytes()[:-2] + b"\xff\xfe\x00\x04hi\xff\xd9")
    root = write(dataset, tmp_path / "set", replace(first, name="x.jpg", picture=changed))
    (finding,) = check_dataset(root).findings
    assert finding.code == "near_duplicate"


def test_class_that_the_map_does_not_name_is_found(dataset: Dataset, tmp_path: Path) -> None:
    found = check_dataset(write(dataset, tmp_path / "set"), known={"thumbs-up": "up"})
    assert [(one.code, one.where) for one in found.findings] == [
        ("class_unmapped", "a b.jpeg"),
        ("class_unmapped", "one.jpg"),
    ]
    assert found.dataset.classes == ("up",)


def test_set_without_usable_pictures_is_an_error(dataset: Dataset, tmp_path: Path) -> None:
    root = write(dataset, tmp_path / "set")
    shutil.rmtree(root / "JPEGImages")
    found = check_dataset(root, "voc")
    assert {one.code for one in found.findings} == {"picture_missing", "set_empty"}

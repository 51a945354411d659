"""Converting: errors stop it unless they are repaired, and nothing half-written stays."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from PIL import Image

from hub.dataset.class_map import read_class_map
from hub.dataset.convert import Target, convert_dataset
from hub.dataset.finding import DatasetError
from hub.dataset.formats import read_dataset, write_dataset
from hub.dataset.output import Output
from hub.dataset.sample import Dataset


@pytest.fixture
def source(dataset: Dataset, tmp_path: Path) -> Path:
    write_dataset(dataset, "yolo", Output(tmp_path / "yolo"))
    return tmp_path / "yolo"


def test_set_is_converted_with_other_classes(source: Path, tmp_path: Path) -> None:
    known = {"いぬ <&>": "dog", "thumbs-up": "", "unused": "cat"}
    done = convert_dataset(source, Target(tmp_path / "out", "coco"), known=known)
    _, back, _ = read_dataset(tmp_path / "out")
    assert (done.is_written, back.classes) == (True, ("dog", "cat"))
    assert sum(len(one.objects) for one in back.samples) == 2


def test_set_with_errors_is_not_written(source: Path, tmp_path: Path) -> None:
    (source / "labels/train/one.txt").write_text("9 0.5 0.5 0.1 0.1\n")
    done = convert_dataset(source, Target(tmp_path / "out", "coco"))
    assert ([one.code for one in done.findings], done.is_written) == (
        ["class_unknown", "picture_robbed"],
        False,
    )
    assert not (tmp_path / "out").exists()


def test_set_with_errors_is_written_without_them_when_repaired(source: Path, tmp_path: Path) -> None:
    (source / "labels/train/one.txt").write_text("9 0.5 0.5 0.1 0.1\n0 0.95 0.5 0.2 0.5\n")
    assert convert_dataset(source, Target(tmp_path / "out", "coco"), repair=True).is_written
    _, back, findings = read_dataset(tmp_path / "out")
    (found,) = next(one for one in back.samples if one.name == "one.jpg").objects
    assert (findings, found.box and found.box.corners[2]) == ([], 641)


def test_target_that_is_there_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DatasetError, match="is there already; name a new folder"):
        convert_dataset(source, Target(tmp_path / "out", "coco"))


@pytest.mark.parametrize(("name", "prefix"), [("csv", ""), ("png", ""), ("coco", "s3://bucket/")])
def test_target_that_cannot_be_written_is_refused(
    source: Path, tmp_path: Path, name: str, prefix: str
) -> None:
    with pytest.raises(DatasetError):
        convert_dataset(source, Target(tmp_path / "out", name, prefix=prefix))


def test_nothing_stays_when_the_disk_is_full(source: Path, tmp_path: Path) -> None:
    def fail(done: int, total: int) -> None:
        if list(tmp_path.glob(".out.partial-*/images/*/*")):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        convert_dataset(source, Target(tmp_path / "out", "coco"), tell=fail)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_pictures_are_links_unless_copies_are_asked_for(source: Path, tmp_path: Path) -> None:
    for name, copies in (("linked", False), ("copied", True)):
        convert_dataset(source, Target(tmp_path / name, "voc", copies))
    linked, copied = ((tmp_path / name / "JPEGImages/one.jpg").stat() for name in ("linked", "copied"))
    assert (linked.st_nlink > 1, copied.st_nlink) == (True, 1)


def test_manifest_names_pictures_by_their_prefix(source: Path, tmp_path: Path) -> None:
    convert_dataset(source, Target(tmp_path / "out", "manifest", prefix="s3://bucket/set/"))
    line = (tmp_path / "out/validation.manifest").read_text()
    assert line.startswith(
        '{"source-ref": "s3://bucket/set/validation/four.png", "bounding-box": {"image_size"'
    )
    assert len(read_dataset(tmp_path / "out")[1].samples) == 4


def test_pictures_that_are_links_within_the_set_are_there_in_the_new_one(
    source: Path, tmp_path: Path
) -> None:
    picture = source / "images/train/one.jpg"
    picture.rename(source / "images/validation/kept.jpg")
    picture.symlink_to("../validation/kept.jpg")
    convert_dataset(source, Target(tmp_path / "out", "voc"))
    made = tmp_path / "out/JPEGImages/one.jpg"
    assert (made.is_symlink(), made.is_file()) == (False, True)


def test_class_too_long_for_a_folder_is_left_out_of_an_image_folder(source: Path, tmp_path: Path) -> None:
    known = {"いぬ <&>": "🐶" * 200, "thumbs-up": "up"}
    done = convert_dataset(source, Target(tmp_path / "out", "imagefolder"), known=known, repair=True)
    assert "class_unwritable" in {one.code for one in done.findings}
    assert {one.objects[0].label for one in read_dataset(tmp_path / "out")[1].samples} == {"up"}


def test_class_map_with_a_name_that_no_format_holds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('"up" = ""\n"cup" = "bad\\nname\\u0001"\n')
    with pytest.raises(DatasetError, match=r"map\.toml: cup: the new name has control characters"):
        read_class_map(tmp_path / "map.toml")


def test_boxes_of_a_turned_picture_as_stored_have_no_place_in_yolo(source: Path, tmp_path: Path) -> None:
    convert_dataset(source, Target(tmp_path / "coco", "coco", copies=True))
    turned = Image.open(tmp_path / "coco/images/train/one.jpg")
    turned.getexif()[0x0112] = 6
    turned.save(tmp_path / "coco/images/train/one.jpg", exif=turned.getexif())
    for name, found in (("yolo", ["size_differs"]), ("voc", [])):
        done = convert_dataset(tmp_path / "coco", Target(tmp_path / f"to-{name}", name), repair=True)
        assert [one.code for one in done.findings if one.is_error] == found
        assert len(read_dataset(tmp_path / f"to-{name}")[1].samples) == 4 - len(found)

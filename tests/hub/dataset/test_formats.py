"""Round trips between all formats, and readers of other people on what is written."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from hub.dataset.box import Box
from hub.dataset.finding import DatasetError
from hub.dataset.folder import Folder
from hub.dataset.formats import FORMATS, WRITTEN, find_format, read_dataset, write_dataset
from hub.dataset.output import Output
from hub.dataset.sample import FLAGS, Dataset, Object, Sample

DOCS = Path(__file__).parents[3] / "docs/datasets.md"
BOXED = tuple(name for name in WRITTEN if name != "imagefolder")


def kept() -> dict[tuple[str, str], str]:
    """What the table of docs/datasets.md says of each kind of thing and format."""
    rows = [
        line.strip("| \n").split(" | ") for line in DOCS.read_text().splitlines() if line.startswith("| ")
    ]
    start = next(index for index, row in enumerate(rows) if row[0] == "what")
    names = [name.strip("`") for name in rows[start][1:]]
    return {
        (row[0], name): cell for row in rows[start + 1 :] for name, cell in zip(names, row[1:], strict=False)
    }


KEPT = kept()


def there_and_back(dataset: Dataset, name: str, folder: Path) -> Dataset:
    folder.mkdir(parents=True)
    write_dataset(dataset, name, Output(folder))
    found, back, findings = read_dataset(folder)
    assert (found, [one for one in findings if one.is_error]) == (name, [])
    return back


def facts(dataset: Dataset) -> tuple[Any, ...]:
    """What a set says, whatever the order of its pictures and wherever they lie."""
    rows = [(one.name, one.width, one.height, one.depth, one.objects, one.split) for one in dataset.samples]
    return dataset.classes, sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize("second", BOXED)
@pytest.mark.parametrize("first", BOXED)
def test_set_is_the_same_when_it_went_through_two_formats(
    first: str, second: str, dataset: Dataset, tmp_path: Path
) -> None:
    once = there_and_back(dataset, first, tmp_path / "1")
    twice = there_and_back(once, second, tmp_path / "2")
    again = there_and_back(twice, first, tmp_path / "3")
    assert facts(once) == facts(twice) == facts(again) == facts(dataset)


@pytest.mark.parametrize("name", BOXED)
def test_files_are_the_same_byte_for_byte_when_read_and_written_again(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    once = there_and_back(dataset, name, tmp_path / "1")
    there_and_back(once, name, tmp_path / "2")
    there_and_back(once, name, tmp_path / "3")
    assert bytes_of(tmp_path / "2") == bytes_of(tmp_path / "3")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change_first(dataset: Dataset, found: Object) -> Dataset:
    first, *others = dataset.samples
    return replace(dataset, samples=(replace(first, objects=(found,)), *others))


@pytest.mark.parametrize("name", BOXED)
def test_box_between_pixels_is_kept_or_rounded_as_the_table_says(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    box = Box(10.25, 20.123456, 30.5, 41.000001)
    back = there_and_back(change_first(dataset, Object("thumbs-up", box)), name, tmp_path / "1")
    found = next(one for one in back.samples if one.name == "one.jpg").objects[0].box
    assert (
        found
        == {"kept": box, "rounded to pixels": Box(10.0, 20.0, 31.0, 41.0)}[KEPT["boxes between pixels", name]]
    )


@pytest.mark.parametrize("name", BOXED)
def test_flags_and_pose_are_kept_where_the_table_says_so(name: str, dataset: Dataset, tmp_path: Path) -> None:
    flagged = Object("thumbs-up", Box(1.0, 2.0, 3.0, 4.0), frozenset(FLAGS), "Left")
    back = there_and_back(change_first(dataset, flagged), name, tmp_path / "1")
    found = next(one for one in back.samples if one.name == "one.jpg").objects[0]
    expected = {"kept": flagged, "lost": Object("thumbs-up", flagged.box)}
    assert found == expected[KEPT["difficult, truncated, occluded, pose", name]]


@pytest.mark.parametrize("name", WRITTEN)
def test_class_of_a_whole_picture_becomes_its_box_except_in_an_image_folder(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    back = there_and_back(change_first(dataset, Object("thumbs-up")), name, tmp_path / "1")
    found = next(one for one in back.samples if one.name == "one.jpg").objects
    boxes = {"kept": None, "becomes its box": Box(0, 0, 641, 479)}
    assert found == (Object("thumbs-up", boxes[KEPT["class of a whole picture", name]]),)


@pytest.mark.parametrize("name", WRITTEN)
def test_pictures_and_classes_are_kept_as_the_table_says(name: str, dataset: Dataset, tmp_path: Path) -> None:
    back = there_and_back(dataset, name, tmp_path / "1")
    pictures = {"kept": 4, "left out": 2}[KEPT["pictures with no class, or several", name]]
    classes = {"kept": dataset.classes, "lost": ("thumbs-up", "いぬ <&>")}
    assert len(back.samples) == pictures
    assert back.classes == classes[KEPT["order of classes, classes without objects", name]]


def test_image_folder_leaves_out_what_has_no_class_or_several(dataset: Dataset, tmp_path: Path) -> None:
    back = there_and_back(dataset, "imagefolder", tmp_path / "1")
    assert {(one.name, one.objects[0].label) for one in back.samples} == {
        ("a b.jpeg", "いぬ <&>"),
        ("four.png", "thumbs-up"),
    }


@pytest.mark.parametrize("name", WRITTEN)
def test_provenance_goes_with_the_samples(name: str, dataset: Dataset, tmp_path: Path) -> None:
    why = {"event": 7, "captured_at": "2026-11-20T10:00:00+00:00", "device": "porch"}
    first, *others = dataset.samples
    known = replace(dataset, samples=(replace(first, objects=first.objects[:1], provenance=why), *others))
    back = there_and_back(known, name, tmp_path / "1")
    assert next(one for one in back.samples if one.name == "one.jpg").provenance == why


def test_pictures_of_one_name_get_names_of_their_own(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.samples[0]
    twins = (first, replace(first, split="validation"), replace(first, name="ONE.png"))
    back = there_and_back(replace(dataset, samples=twins), "voc", tmp_path / "1")
    assert [one.name for one in back.samples] == ["ONE-3.png", "one-2.jpg", "one.jpg"]


def test_coco_is_read_by_pycocotools(dataset: Dataset, tmp_path: Path) -> None:
    there_and_back(dataset, "coco", tmp_path / "1")
    with contextlib.redirect_stdout(io.StringIO()):
        found = COCO(str(tmp_path / "1/annotations/instances_train.json"))
    (image,) = found.loadImgs([1])
    boxes = [one["bbox"] for one in found.loadAnns(found.getAnnIds(imgIds=[1], catIds=[1]))]
    assert (image["file_name"], boxes) == ("one.jpg", [[10, 20, 30, 41]])
    assert [one["name"] for one in found.loadCats(found.getCatIds())] == list(dataset.classes)


def test_sagemaker_has_the_published_structure_key_for_key(dataset: Dataset, tmp_path: Path) -> None:
    there_and_back(dataset, "sagemaker", tmp_path / "1")
    text = (tmp_path / "1/validation_annotation/four.json").read_text()
    assert text == (
        '{"file": "four.png", "image_size": [{"width": 100, "height": 64, "depth": 3}], '
        '"annotations": [{"class_id": 0, "left": 10, "top": 20, "width": 30, "height": 41}], '
        '"categories": [{"class_id": 0, "name": "thumbs-up"}, {"class_id": 1, "name": "いぬ <&>"}, '
        '{"class_id": 2, "name": "unused"}]}\n'
    )


def test_format_must_be_named_where_there_are_several(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, "coco", Output(tmp_path / "1"))
    write_dataset(dataset, "voc", Output(tmp_path / "1"))
    with pytest.raises(DatasetError, match=r"could be coco, voc; name it with --format"):
        find_format(Folder(tmp_path / "1"))


def test_every_format_is_read_and_all_but_csv_are_written() -> None:
    assert set(FORMATS) - set(WRITTEN) == {"csv"}


def test_csv_is_read_as_published(dataset: Dataset, tmp_path: Path) -> None:
    for sample in dataset.samples:
        Output(tmp_path / "1").picture(sample, f"images/{sample.name}")
    rows = [
        '\ufefffilename,width,height,class,xmin,ymin,xmax,ymax,"an, other"',
        "one.jpg,641,479,thumbs-up,10,20,40,61,x",
        '"a b.jpeg",333,777,"いぬ <&>",0,0,333,777,"y,z"',
        "one.jpg,641,479,いぬ <&>,1,2,641,5,",
        "four.png,100,64,thumbs-up,10,20,40,61",
        "二つ目.JPG,1920,1080,,,,,",
    ]
    (tmp_path / "1/train.csv").write_text("\r\n".join(rows) + "\r\n")
    found, back, findings = read_dataset(tmp_path / "1")
    assert (found, findings) == ("csv", [])
    expected = {one.name: one.objects for one in dataset.samples}
    assert {one.name: one.objects for one in back.samples} == expected


def test_sample_without_a_box_has_that_of_its_picture() -> None:
    sample = Sample("x.jpg", Path("x.jpg"), 10, 20, 3)
    assert sample.box_of(Object("x")) == Box(0, 0, 10, 20)


def test_coco_is_read_as_it_is_published_without_its_captions(dataset: Dataset, tmp_path: Path) -> None:
    there_and_back(dataset, "coco", tmp_path / "1")
    root = tmp_path / "1"
    for old, new in (("train", "train2017"), ("validation", "val2017")):
        (root / f"images/{old}").rename(root / new)
        (root / f"annotations/instances_{old}.json").rename(root / f"annotations/instances_{new}.json")
    (root / "annotations/captions_train2017.json").write_text('{"images": [], "annotations": [7]}')
    assert facts(read_dataset(root)[1]) == facts(dataset)
    assert read_dataset(root)[2] == []


@pytest.mark.parametrize(
    "folders",
    ["images/{split}:labels/{split}", "{split}/images:{split}/labels", "{split}/img:{split}/txt/labels"],
)
def test_yolo_is_read_from_the_folders_of_others(folders: str, dataset: Dataset, tmp_path: Path) -> None:
    there_and_back(dataset, "yolo", tmp_path / "1")
    for split, word in (("train", "train"), ("validation", "valid")):
        for kind, place in zip(("images", "labels"), folders.format(split=word).split(":"), strict=True):
            target = tmp_path / "2" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / f"1/{kind}/{split}").rename(target)
    (tmp_path / "1/data.yaml").rename(tmp_path / "2/data.yaml")
    found, back, findings = read_dataset(tmp_path / "2")
    assert (found, facts(back), findings) == ("yolo", facts(dataset), [])


def test_folder_of_the_retraining_plugin_is_read(dataset: Dataset, tmp_path: Path) -> None:
    there_and_back(dataset, "sagemaker", tmp_path / "1")
    (tmp_path / "1/train").rename(tmp_path / "1/raw_images")
    (tmp_path / "1/train_annotation").rename(tmp_path / "1/training_annotation")
    _, back, findings = read_dataset(tmp_path / "1")
    assert (facts(back), findings) == (facts(dataset), [])


@pytest.mark.parametrize("name", WRITTEN)
def test_blanks_around_a_class_are_kept_as_the_table_says(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    known = replace(dataset, classes=(" lead",), samples=dataset.samples[:1])
    back = there_and_back(change_first(known, Object(" lead", Box(1.0, 2.0, 3.0, 4.0))), name, tmp_path / "1")
    assert back.classes == {"kept": (" lead",), "lost": ("lead",)}[KEPT["blanks around a class's name", name]]

"""Bad input of every kind: a clear finding each, nothing crashes, and nothing outside the folder is read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hub.dataset.box import Box
from hub.dataset.checked import refuse
from hub.dataset.finding import DatasetError, Finding
from hub.dataset.folder import UnreadableError
from hub.dataset.formats import FORMATS, read_dataset, write_dataset
from hub.dataset.output import Output
from hub.dataset.sample import Dataset, Object

OBJECT = "<object><name>dog</name><bndbox>{}</bndbox></object>"
BOUNDS = "<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax>"
SIZE = "<size><width>64</width><height>48</height><depth>3</depth></size>"
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]>'


@pytest.fixture
def root(tmp_path: Path, make_picture: Callable[..., Path]) -> Path:
    make_picture("set/one.jpg", 64, 48)
    return tmp_path / "set"


def write_voc(root: Path, *bounds: tuple[object, ...], filename: str = "one.jpg", head: str = "") -> None:
    objects = "\n".join(OBJECT.format(BOUNDS.format(*corners)) for corners in bounds)
    text = f"{head}<annotation><filename>{filename}</filename>{SIZE}\n{objects}\n</annotation>"
    (root / "one.xml").write_text(text)


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.where, one.code) for one in findings]


@pytest.mark.parametrize(
    ("bounds", "code", "effect"),
    [
        ((1, 2, 65, 40), "box_outside", "mended"),
        ((70, 2, 90, 40), "box_outside", "left out"),
        ((30, 2, 1, 40), "box_swapped", "mended"),
        ((30, 2, 30, 40), "box_empty", "left out"),
        (("x", 2, 30, 40), "value_wrong", "left out"),
        (("nan", 2, 30, 40), "box_not_a_number", "left out"),
        (("9" * 5000, 2, 30, 40), "box_not_a_number", "left out"),
    ],
)
def test_bad_box_is_a_finding_with_its_file_and_line(
    root: Path, bounds: tuple[object, ...], code: str, effect: str
) -> None:
    write_voc(root, (1, 2, 3, 4), bounds)
    _, dataset, (finding,) = read_dataset(root)
    assert (finding.where, finding.code, finding.effect) == ("one.xml:3", code, effect)
    assert len(dataset.samples[0].objects) == (2 if effect == "mended" else 1)


@pytest.mark.parametrize(
    ("filename", "code"),
    [
        ("/etc/hostname", "path_outside"),
        ("../outside.jpg", "path_outside"),
        ("..\\outside.jpg", "path_outside"),
        ("C:\\pictures\\one.jpg", "path_outside"),
        ("link.jpg", "path_outside"),
        ("gone.jpg", "picture_missing"),
        ("x" * 500, "value_wrong"),
    ],
)
def test_picture_that_cannot_be_had_is_a_finding(
    root: Path, make_picture: Callable[..., Path], filename: str, code: str
) -> None:
    (root / "link.jpg").symlink_to(make_picture("outside.jpg", 64, 48))
    write_voc(root, (1, 2, 3, 4), filename=filename)
    _, dataset, (finding,) = read_dataset(root)
    assert (finding.where, finding.code, dataset.samples) == ("one.xml", code, ())


@pytest.mark.parametrize("name", ["ONE.JPG", "one.jpeg", "one.png", "one"])
def test_renamed_picture_is_found_and_noted(root: Path, name: str) -> None:
    write_voc(root, (1, 2, 3, 4), filename=name)
    _, dataset, findings = read_dataset(root)
    assert dataset.samples[0].name == "one.jpg"
    assert codes(findings) == [("one.jpg", "picture_renamed")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (BOMB.encode() + b"<annotation>&y;</annotation>", "xml_entities"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "xml_entities"),
        (b"<annotation>" + b"<a>" * 100_000, "not_xml"),
        (b"<annotation><filename>", "not_xml"),
        (b"", "not_xml"),
        (b"\x00\x01\x02", "not_xml"),
        (
            '<?xml version="1.0" encoding="shift_jis"?><annotation>犬</annotation>'.encode("cp932"),
            "file_not_utf8",
        ),
        (b"<other/>", "value_wrong"),
    ],
)
def test_bad_xml_is_a_finding(root: Path, data: bytes, code: str) -> None:
    (root / "one.xml").write_bytes(data)
    _, _, (finding,) = read_dataset(root)
    assert (finding.where, finding.code) == ("one.xml", code)


def test_xml_in_another_encoding_is_read_where_it_says_so(root: Path) -> None:
    write_voc(root, (1, 2, 3, 4))
    text = '<?xml version="1.0" encoding="UTF-16"?>' + (root / "one.xml").read_text()
    (root / "one.xml").write_bytes(text.replace("dog", "犬").encode("utf-16"))
    _, dataset, findings = read_dataset(root)
    assert (dataset.classes, findings) == (("犬",), [])


def test_csv_in_another_encoding_is_a_finding_that_says_what_to_do(root: Path) -> None:
    lines = "filename,width,height,class,xmin,ymin,xmax,ymax\none.jpg,64,48,犬,1,2,3,4\n"
    (root / "labels.csv").write_bytes(lines.encode("cp932"))
    _, _, (finding,) = read_dataset(root)
    assert (finding.where, finding.code) == ("labels.csv", "file_not_utf8")
    assert "line 2: is neither UTF-8 nor UTF-16" in finding.said


def test_csv_line_that_is_too_short_is_a_finding(root: Path) -> None:
    rows = [
        "class,filename,width,height,xmin,ymin,xmax,ymax",
        "dog,one.jpg,64",
        "dog,one.jpg,64,48,1,2,3,4,5,6",
    ]
    (root / "labels.csv").write_text("\n".join(rows))
    _, dataset, findings = read_dataset(root)
    assert codes(findings) == [("labels.csv:2", "value_wrong")]
    assert len(dataset.samples[0].objects) == 1


def test_csv_without_its_columns_is_a_finding(root: Path) -> None:
    (root / "labels.csv").write_text("name,label\none.jpg,dog\n")
    _, _, (finding,) = read_dataset(root)
    assert "no column filename, width, height" in finding.said


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("7 0.5 0.5 0.1 0.1", "class_unknown"),
        ("0 0.5 0.5 0.1", "value_wrong"),
        ("0.5 0.5 0.5 0.1 0.1", "value_wrong"),
        ("0 0.5 0.5 0 0.1", "box_empty"),
        ("0 1.5 0.5 0.1 0.1", "box_outside"),
        ("0 0.5 0.5 -0.1 0.1", "box_swapped"),
        ("0 inf 0.5 0.1 0.1", "box_not_a_number"),
    ],
)
def test_bad_yolo_line_is_a_finding(root: Path, line: str, code: str) -> None:
    (root / "data.yaml").write_text("names: [dog]\n")
    (root / "one.txt").write_text(f"0 0.5 0.5 0.25 0.5\n{line}\n")
    _, _, findings = read_dataset(root)
    assert codes(findings) == [("one.txt:2", code)]


@pytest.mark.parametrize("text", ["a: [", "- 1", "names: 7", "names: {x: 1}", "[" * 5000, "a: 2026-99-99"])
def test_bad_yaml_is_a_finding(root: Path, text: str) -> None:
    (root / "data.yaml").write_text(text)
    _, _, findings = read_dataset(root)
    assert findings[0].where == "data.yaml"


@pytest.mark.parametrize(
    "text", ["{", "[]", "[" * 100_000, '{"file": 7}', "9" * 5000, '{"file": "one.jpg"}', "\x00"]
)
def test_bad_sagemaker_json_is_a_finding(root: Path, text: str) -> None:
    (root / "train_annotation").mkdir()
    (root / "train_annotation/one.json").write_text(text)
    _, dataset, (finding,) = read_dataset(root)
    assert (finding.where, dataset.samples) == ("train_annotation/one.json", ())


def test_manifest_line_of_a_picture_elsewhere_is_a_finding(root: Path) -> None:
    lines = [
        {"source-ref": ref}
        for ref in ("s3://bucket/../../etc/hostname", "s3://b/x/gone.jpg", "s3://b/x/one.jpg")
    ]
    (root / "train.manifest").write_text("\n".join(map(json.dumps, lines)))
    _, _, findings = read_dataset(root)
    assert codes(findings) == [
        ("train.manifest:1", "path_outside"),
        ("train.manifest:2", "picture_missing"),
        ("train.manifest:3", "value_wrong"),
    ]


def test_coco_annotation_that_fits_nothing_is_a_finding(root: Path) -> None:
    good = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}
    bad = [{"image_id": 9}, {"category_id": 9}, {"bbox": [1, 2, 3]}, {"bbox": None}, {"iscrowd": 1}]
    images = [{"id": 1, "file_name": "one.jpg", "width": 64, "height": 48}]
    images += [{"id": 2, "file_name": "one.jpg", "width": 65, "height": 48}, {"id": 1}]
    said = {
        "images": images,
        "annotations": [good, *(good | one for one in bad), 7],
        "categories": [{"id": 3, "name": "dog"}],
    }
    (root / "a.json").write_text(json.dumps(said))
    _, dataset, findings = read_dataset(root)
    assert codes(findings) == [
        ("a.json images[1]", "size_differs"),
        ("a.json images[2]", "value_wrong"),
        ("a.json annotations[1]", "value_wrong"),
        ("a.json annotations[2]", "class_unknown"),
        ("a.json annotations[3]", "value_wrong"),
        ("a.json annotations[4]", "value_wrong"),
        ("a.json annotations[5]", "object_crowd"),
        ("a.json annotations[6]", "value_wrong"),
    ]
    assert [len(one.objects) for one in dataset.samples] == [1]


@pytest.mark.parametrize(
    ("shape", "kind", "said"),
    [
        ((48, 64), np.uint8, "grey"),
        ((48, 64, 4), np.uint8, "has an alpha channel"),
        ((48, 64, 3), np.uint16, "16 bits a sample"),
    ],
)
def test_odd_picture_is_noted(root: Path, shape: tuple[int, ...], kind: type, said: str) -> None:
    cv2.imwrite(str(root / "one.png"), np.zeros(shape, kind))
    write_voc(root, (1, 2, 3, 4), filename="one.png")
    _, dataset, (finding,) = read_dataset(root)
    assert (finding.code, finding.said, len(dataset.samples)) == ("picture_odd", said, 1)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff"])
def test_picture_that_is_none_is_a_finding(root: Path, data: bytes) -> None:
    (root / "one.jpg").write_bytes(data)
    write_voc(root, (1, 2, 3, 4))
    _, _, (finding,) = read_dataset(root)
    assert (finding.where, finding.code) == ("one.xml", "picture_unreadable")


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no folder"):
        read_dataset(tmp_path / "gone")


def test_folder_without_a_known_format_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no format that is known; name it with --format"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("csv", "imagefolder")])
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_never_crash_a_reader(
    name: str, dataset: Dataset, tmp_path: Path, data: st.DataObject
) -> None:
    root = tmp_path / name
    if not root.exists():
        write_dataset(dataset, name, Output(root))
    files = sorted(p for p in root.rglob("*") if p.suffix in {".json", ".xml", ".txt", ".yaml", ".manifest"})
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    start = data.draw(st.integers(0, max(0, len(before) - 1)))
    length = data.draw(st.integers(0, 30))
    instead = data.draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"null", b"[", b'"', b"-1", b"1e999", b"<"]))
    )
    path.write_bytes(before[:start] + instead + before[start + length :])
    try:
        read_dataset(root, name)
    finally:
        path.write_bytes(before)


def test_file_whose_name_is_no_text_is_read_under_another(root: Path, tmp_path: Path) -> None:
    (root / "data.yaml").write_text("names: [dog]\n")
    (root / "one.jpg").rename(root / os.fsdecode(b"a\nb\xff.jpg"))
    _, dataset, findings = read_dataset(root)
    assert ([one.name for one in dataset.samples], findings) == (["a_b_.jpg"], [])
    write_dataset(dataset, "voc", Output(tmp_path / "out"))
    assert read_dataset(tmp_path / "out")[1].samples[0].name == "a_b_.jpg"


def test_yolo_text_without_a_picture_is_a_finding(root: Path) -> None:
    (root / "data.yaml").write_text("names: [dog]\n")
    (root / "labels").mkdir()
    (root / "labels/gone.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    _, _, findings = read_dataset(root)
    assert codes(findings) == [("labels/gone.txt", "picture_missing")]


def test_picture_that_lost_all_its_objects_is_no_negative(root: Path) -> None:
    write_voc(root, (1, 2, 1, 4))
    _, dataset, findings = read_dataset(root)
    assert codes(findings) == [("one.xml:2", "box_empty"), ("one.jpg", "picture_robbed")]
    assert dataset.samples == ()


def test_picture_whose_yolo_text_cannot_be_read_is_no_negative(root: Path) -> None:
    (root / "data.yaml").write_text("names: [dog]\n")
    (root / "one.txt").write_bytes(b"0 0.5 \xff")
    _, dataset, findings = read_dataset(root)
    assert codes(findings) == [("one.txt", "file_not_utf8"), ("one.jpg", "picture_robbed")]
    assert dataset.samples == ()


BOMB_YAML = "\n".join(
    ["a: &a [x,x,x,x,x,x,x,x,x]"]
    + [
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]"
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    + ["names: [*j]"]
)


@pytest.mark.parametrize(
    "text",
    [BOMB_YAML, "a: &a {x: y}\nb: &b {<<: [*a, *a]}\nnames: {<<: [*b, *b]}"],
    ids=["lists", "merged"],
)
def test_yaml_that_swells_is_a_finding(root: Path, text: str) -> None:
    (root / "data.yaml").write_text(text)
    _, _, (finding, *_) = read_dataset(root)
    assert (finding.where, finding.code) == ("data.yaml", "not_yaml")
    assert finding.said == "line 2: an alias, which is not read; write out what it stands for"


@pytest.mark.parametrize("name", ["1:" + "59:" * 300_000 + "1", "0x" + "f" * 900_000], ids=["sixties", "hex"])
def test_yaml_number_of_a_million_digits_is_a_finding(root: Path, name: str) -> None:
    (root / "data.yaml").write_text(f"names: {{0: {name}}}")
    _, _, (finding, *_) = read_dataset(root)
    assert (finding.where, finding.code, len(finding.said) < 150) == ("data.yaml", "value_wrong", True)


@pytest.mark.parametrize(
    "found", ["x" * 10**6, [["x"] * 1000] * 1000, [16**9000]], ids=["text", "lists", "number"]
)
def test_refused_value_is_told_in_few_characters(found: object) -> None:
    with pytest.raises(UnreadableError) as raised:
        refuse("it", found)
    assert len(raised.value.reason) < 80


def turn(path: Path, orientation: int) -> None:
    """Give a JPEG an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(path) as picture:
        picture.save(path, exif=exif)


def test_boxes_of_a_turned_picture_survive_yolo(root: Path, tmp_path: Path) -> None:
    turn(root / "one.jpg", 6)
    said = {
        "images": [{"id": 1, "file_name": "one.jpg", "width": 48, "height": 64}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 12, 64]}],
        "categories": [{"id": 3, "name": "dog"}],
    }
    (root / "a.json").write_text(json.dumps(said))
    write_dataset(read_dataset(root)[1], "yolo", Output(tmp_path / "out"))
    (sample,) = read_dataset(tmp_path / "out")[1].samples
    assert (sample.width, sample.height, sample.objects) == (48, 64, (Object("dog", Box(0, 0, 12, 64)),))


def test_turned_picture_in_an_image_folder_has_its_upright_size(
    tmp_path: Path, make_picture: Callable[..., Path]
) -> None:
    turn(make_picture("set/train/dog/one.jpg", 64, 48), 6)
    (sample,) = read_dataset(tmp_path / "set")[1].samples
    assert (sample.width, sample.height) == (48, 64)


@pytest.mark.parametrize("name", ["a\ufffe", "\uffff"])
def test_class_that_xml_and_yaml_cannot_hold_is_a_finding(root: Path, name: str) -> None:
    said = {"images": [], "annotations": [], "categories": [{"id": 3, "name": name}]}
    (root / "a.json").write_text(json.dumps(said))
    _, _, (finding,) = read_dataset(root)
    assert (finding.where, finding.code) == ("a.json categories[0]", "value_wrong")


@pytest.mark.parametrize("more", ['"x": "\\ud800"', '"\\ud800": 1', '"x": NaN', '"x": [1e999]'])
def test_provenance_that_cannot_be_written_again_is_noted(root: Path, more: str) -> None:
    write_voc(root, (1, 2, 3, 4))
    (root / "provenance.jsonl").write_text(f'{{"split": "train", "file": "one.jpg", {more}}}\n')
    _, dataset, findings = read_dataset(root)
    assert codes(findings) == [("provenance.jsonl:1", "provenance_unreadable")]
    assert dataset.samples[0].provenance == {}


def test_manifest_line_with_a_key_that_is_no_text_is_a_finding_in_ascii(root: Path) -> None:
    (root / "train.manifest").write_text('{"source-ref": "s3://b/one.jpg", "\\ud800x": 1}\n')
    _, _, (finding,) = read_dataset(root)
    assert (finding.code, "'\\ud800x'" in finding.said) == ("value_wrong", True)


def test_picture_whose_name_is_too_long_is_missing(root: Path) -> None:
    images = [{"id": 1, "file_name": "x" * 304, "width": 64, "height": 48}]
    (root / "a.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    (root / "train.manifest").write_text(json.dumps({"source-ref": f"s3://b/{'y' * 304}/{'x' * 304}"}))
    for name, where in (("coco", "a.json images[0]"), ("manifest", "train.manifest:1")):
        _, _, findings = read_dataset(root, name)
        assert codes(findings) == [(where, "picture_missing")]

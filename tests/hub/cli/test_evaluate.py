"""`lenshub evaluate` with the shipped models on the demo's clips."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge.demo
from edge.model import SHIPPED
from edge.playback import play
from hub.dataset.box import Box
from hub.dataset.convert import Target, write_target
from hub.dataset.sample import Dataset, Object, Sample
from hub.draw.picture import encode_jpeg

CLIPS = Path(edge.demo.__file__).parent
WIDTH, HEIGHT = 640, 360


def clip(name, every, objects_of, folder, made_as):
    """Write each so many-th frame of a clip, with its truth, as a training set."""
    truth = json.loads((CLIPS / f"{name}.json").read_text(encoding="utf-8"))["frames"][::every]
    samples = []
    for shot, entry in zip(
        play(CLIPS / f"{name}.webm", 1, every, threading.Event(), pace=False), truth, strict=True
    ):
        objects = objects_of(entry)
        path = folder / f"{entry['frame']:03}.jpg"
        path.write_bytes(encode_jpeg(shot.pixels))
        if objects is not None:
            samples.append(Sample(path.name, path, WIDTH, HEIGHT, 3, tuple(objects), "validation"))
    classes = tuple(sorted({one.label for sample in samples for one in sample.objects}))
    write_target(Dataset(classes, tuple(samples)), Target(folder / "set", made_as))
    return folder / "set"


def thumbs_of(entry):
    sides = [(box["left"], box["top"], box["width"], box["height"]) for box in entry["thumbs_up"]]
    scale = (WIDTH, HEIGHT, WIDTH, HEIGHT)
    return [
        Object("thumbs-up", Box(*(round(a * b, 9) for a, b in zip(side, scale, strict=True))))
        for side in sides
    ]


def card_of(entry):
    if entry["shows"] in (None, "") or not entry["whole"]:
        return None
    return [Object(entry["shows"])]


@pytest.fixture(scope="module")
def thumbs(tmp_path_factory):
    """Every fourth frame of the clip, as COCO."""
    return clip("thumbs", 4, thumbs_of, tmp_path_factory.mktemp("thumbs"), "coco")


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    """Every third frame that shows a card, in folders of classes; か is among them, which no model knows."""
    return clip("hiragana", 3, card_of, tmp_path_factory.mktemp("cards"), "imagefolder")


@pytest.fixture
def blinded(folder):
    """The shipped detector with red and blue taken for each other, which sees much less."""
    shutil.copytree(SHIPPED / "thumbs-up", folder / "blinded")
    path = folder / "blinded/model.toml"
    path.write_text(
        path.read_text()
        .replace('colours = "rgb"', 'colours = "bgr"')
        .replace('"thumbs-up"\nv', '"blinded"\nv')
    )
    return "blinded"


def test_shipped_detector_is_told_of_on_the_clip(lenshub, thumbs, folder):
    done = lenshub("evaluate", "thumbs-up", "-d", str(thumbs), "--png", "curve.png", "--worst-to", "worst")
    assert done.exit_code == 0, done.output
    assert "Split validation: 30 pictures with 29 true boxes, 8 without one" in done.output
    assert "thumbs-up 2: AP50 1.000" in done.output
    assert re.search(r"^29 +29 +0 +0 +0\.9\d\d +- +1\.000 +1\.000 +1\.000", done.output, re.MULTILINE)
    assert cv2.imread("curve.png").shape == (594, 1210, 3)
    assert list((folder / "worst").iterdir()) == []
    assert "wrote worst: 0 pictures with mistakes" in done.output


def test_worst_pictures_are_written_and_listed(lenshub, thumbs, folder, blinded):
    done = lenshub("evaluate", blinded, "-d", str(thumbs), "--worst", "2", "--worst-to", "worst")
    names = [path.name for path in sorted((folder / "worst").iterdir())]
    listed = re.findall(r"^(\d{3})\.jpg +1\.00 +missed thumbs-up", done.output, re.MULTILINE)
    assert names == [f"{number:02}-{name}.jpg" for number, name in enumerate(listed, 1)]
    assert len(names) == 2


def test_shipped_classifier_is_told_of_on_a_folder_of_classes(lenshub, cards):
    done = lenshub("evaluate", "hiragana", "--dataset", str(cards))
    assert done.exit_code == 0, done.output
    assert re.search(r"hiragana 2: accuracy 1\.000 at the threshold, top-1 1\.000, top-2 1\.000", done.output)
    assert "pictures of classes that no model knows (か)" in done.output
    assert re.search(r"^あ +(\d+) +\1 +0 +0 ", done.output, re.MULTILINE)


def test_class_map_makes_strangers_pictures_of_nothing(lenshub, cards, folder):
    names = {one: one for one in "あいうえお"} | {"か": ""}
    (folder / "map.toml").write_text("".join(f'"{one}" = "{new}"\n' for one, new in names.items()))
    said = json.loads(
        lenshub("evaluate", "hiragana", "-d", str(cards), "--classes", "map.toml", "--json").output
    )
    assert said["notes"] == []
    assert said["pictures"] > said["counts"]["expected"]


def test_comparison_says_what_is_worse_and_fails_if_asked_to(lenshub, thumbs, blinded):
    given = ("evaluate", "--compare", "thumbs-up", blinded, "-d", str(thumbs))
    done = lenshub(*given)
    assert done.exit_code == 0, done.output
    assert re.search(r"verdict: worse: AP50 -0\.\d+, 95 % of resamples -0\.\d+ to -0\.\d+", done.output)
    assert re.search(r"speed, in turns: old [\d.]+ ms a picture .*; new [\d.]+ ms a picture", done.output)
    assert re.search(r"^true +29 +\d+ +-\d+ +-", done.output, re.MULTILINE)
    assert lenshub(*given, "--fail-if-worse").exit_code == 3
    back = ("evaluate", "--compare", blinded, "thumbs-up", "-d", str(thumbs), "--fail-if-worse")
    assert "verdict: better: AP50 +" in lenshub(*back).output


def test_comparison_of_a_model_with_itself_is_no_difference(lenshub, thumbs):
    given = ("evaluate", "--compare", "thumbs-up", "thumbs-up", "-d", str(thumbs), "--fail-if-worse")
    assert "no picture on which they differ" in lenshub(*given).output
    said = json.loads(lenshub(*given, "--json").output)
    assert (said["verdict"], said["changed"]) == ("no difference", [])
    assert said["old"]["ap50"] == said["new"]["ap50"] == said["differences"][0]["new"]
    assert said["differences"][0]["change"] == 0


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (("nobody",), 2, "nobody: is no model folder"),
        ((".",), 2, "model.toml: there is no such file (is this a model folder?)"),
        (("thumbs-up", "hiragana"), 2, "evaluate takes one model; there are 2"),
        (("--compare", "thumbs-up"), 2, "--compare takes two models, OLD and NEW; there are 1"),
        (("--compare", "thumbs-up", "hiragana"), 2, "they cannot be compared"),
        (("thumbs-up", "--fail-if-worse"), 2, "--fail-if-worse needs --compare"),
        (("thumbs-up", "--worst-to", "."), 2, "is there already; name a new folder"),
        (("thumbs-up", "--png", "gone/x.png"), 2, "--png: gone/x.png: cannot be a file there"),
        (("thumbs-up", "--split", "train"), 1, "no pictures of the split train (there are: validation 30)"),
        (("hiragana",), 1, "have none in common"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(lenshub, thumbs, folder, given, code, says):
    done = lenshub("evaluate", *given, "-d", str(thumbs))
    assert (done.exit_code, says in done.output, done.output.count("\n")) == (code, True, 1), done.output
    assert list(folder.iterdir()) == []


def test_set_that_is_none_is_one_line(lenshub, folder):
    done = lenshub("evaluate", "thumbs-up", "-d", "gone")
    assert (done.exit_code, done.output) == (1, "gone: is no folder\n")
    (folder / "empty").mkdir()
    done = lenshub("evaluate", "thumbs-up", "-d", "empty")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)


@pytest.fixture
def broken(folder):
    """A set as CSV: a hostile class, a box that reaches outside, and a picture whose pixels are cut off."""
    (folder / "set").mkdir()
    for number in range(3):
        patches = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        cv2.imwrite(f"set/{number}.png", cv2.resize(patches, (64, 48), interpolation=cv2.INTER_NEAREST))
    whole = (folder / "set/2.png").read_bytes()
    at = whole.index(b"IDAT") + 8
    (folder / "set/2.png").write_bytes(whole[:at] + bytes(len(whole) - at - 12) + whole[-12:])
    rows = [
        "0.png,64,48,thumbs-up,1,2,70,40",
        "1.png,64,48,[b]evil\u202egnp,1,2,30,40",
        "2.png,64,48,thumbs-up,1,2,30,40",
    ]
    (folder / "set/labels.csv").write_text(
        "filename,width,height,class,xmin,ymin,xmax,ymax\n" + "\n".join(rows) + "\n"
    )
    return "set"


def test_set_with_errors_is_evaluated_as_far_as_it_goes_and_they_are_said(lenshub, broken):
    done = lenshub("evaluate", "thumbs-up", "-d", broken)
    assert done.exit_code == 0, done.output
    assert "Split all: 2 pictures with 1 true box, 1 without one" in done.output
    assert "left out: 2.png: cannot decode" in done.output
    assert "no model knows [b]evil\\u202egnp: 1 object is not counted" in done.output
    assert re.search(r"the set has errors \(.*1 box_outside", done.output)
    codes = {
        one["code"] for one in json.loads(lenshub("dataset", "check", broken, "--json").output)["findings"]
    }
    said = json.loads(lenshub("evaluate", "thumbs-up", "-d", broken, "--json").stdout)
    assert {one["code"] for one in said["findings"]} == codes


def test_set_without_truth_counts_what_is_false(lenshub, folder):
    dataset = Dataset(
        (), tuple(Sample(f"{n}.png", folder / f"{n}.png", 64, 48, 3, (), None) for n in range(2))
    )
    for n in range(2):
        cv2.imwrite(str(folder / f"{n}.png"), np.full((48, 64, 3), 60 * n, np.uint8))
    write_target(dataset, Target(folder / "set", "coco"))
    done = lenshub("evaluate", "thumbs-up", "-d", "set")
    assert (done.exit_code, "the set names no class" in done.output, "AP50 -" in done.output) == (
        0,
        True,
        True,
    )

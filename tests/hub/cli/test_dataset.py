"""`lenshub dataset` on folders and on a store."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.cli.dataset import _print_sheet
from hub.decode.limits import Limits
from hub.decode.picture import describe_picture
from hub.draw.picture import encode_jpeg
from hub.event import Box, Detection

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def table(folder: Path) -> Path:
    """A set as the published pipeline's CSV, with one box that reaches outside."""
    (folder / "set/images").mkdir(parents=True)
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        pixels = cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"set/images/{number}.jpg"), pixels)
    rows = ["0.jpg,64,48,up,1,2,30,40", "1.jpg,64,48,[b]up,1,2,30,40", "2.jpg,64,48,up,1,2,70,40"]
    (folder / "set/labels.csv").write_text(HEAD + "\n".join(rows) + "\n")
    return folder / "set"


def test_check_prints_what_is_wrong_and_where(lenshub, table):
    done = lenshub("dataset", "check", "set")
    assert done.exit_code == 3
    assert "Training set, format csv" in done.output
    line = next(line for line in done.output.splitlines() if line.startswith("labels.csv:4"))
    assert (
        line.removeprefix("labels.csv:4").strip().startswith("box_outside  corners 1 2 70 40 in a picture of")
    )


def test_check_gives_json_to_programs(lenshub, table):
    said = json.loads(lenshub("dataset", "check", "set", "--json").output)
    assert said["counts"] == {"train": {"pictures": 3, "negatives": 0, "[b]up": 1, "up": 2}}
    assert [one["code"] for one in said["findings"]] == ["box_outside"]


def test_convert_writes_nothing_of_a_set_with_errors_unless_it_is_to_repair(lenshub, table, folder):
    refused = lenshub("dataset", "convert", "set", "out", "--format", "yolo")
    assert (refused.exit_code, (folder / "out").exists()) == (3, False)
    done = lenshub("dataset", "convert", "set", "out", "--format", "yolo", "--repair")
    assert (done.exit_code, "3 pictures, 2 classes: csv to yolo" in done.output) == (0, True)
    assert lenshub("dataset", "check", "out").exit_code == 0


def test_class_map_that_is_wrong_is_one_line(lenshub, table, folder):
    (folder / "map.toml").write_text("up = 7")
    done = lenshub("dataset", "check", "set", "--classes", "map.toml")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "map.toml: up: the new name must be a text of 1 to 200 characters, and is 7" in done.output


def test_unknown_format_is_one_line(lenshub, table):
    done = lenshub("dataset", "convert", "set", "out", "--format", "png")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)


@pytest.fixture
async def reviewed(data, arrivals, soon):
    """Four events with pictures, of which three are accepted."""
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        picture = encode_jpeg(cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_NEAREST))
        seen = (Detection(label="up", confidence=0.9, box=Box(left=0.25, top=0.25, width=0.5, height=0.5)),)
        review = {"review": "accepted"} if number else {}
        members = {"detections": seen, "attributes": review, "frame": describe_picture(picture, Limits())}
        event = arrivals.event("porch", key=f"k{number}", **members)
        await soon(data.add(arrivals.plain(event, picture=picture)))


@pytest.mark.usefixtures("reviewed")
def test_export_makes_a_set_of_what_was_reviewed(lenshub, folder):
    done = lenshub(
        "dataset", "export", "out", "--format", "yolo", "--split", "0.7/0.3", "--since", "2026-11-20"
    )
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.output.splitlines() if line.startswith("up")] == [["up", "2", "1"]]
    assert "left out: 1 not reviewed" in done.output
    assert lenshub("dataset", "check", "out").exit_code == 0


@pytest.fixture
async def rejected(reviewed, data):
    """The same, with a verdict that no hub has applied yet."""
    data.sql(
        "INSERT INTO reviews (event_id, reviewer, verdict, note, made_at) "
        "VALUES (2, 'anna', 'rejected', '', '2026-11-22 08:00:00.000000')"
    )
    await data.close()
    yield
    await data.open()


@pytest.mark.usefixtures("rejected")
def test_export_applies_verdicts_first(lenshub):
    done = lenshub("dataset", "export", "out", "--format", "yolo", "--split", "1", "--unreviewed")
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.output.splitlines() if line.startswith("up")] == [["up", "3"]]
    assert "left out: 1 rejected in review" in done.output


@pytest.mark.usefixtures("reviewed")
def test_export_without_anything_is_one_line_and_leaves_nothing(lenshub, folder):
    done = lenshub("dataset", "export", "out", "--format", "yolo", "--device", "garden")
    assert (done.exit_code, done.output) == (1, "nothing to export: there is no event\n")
    assert not (folder / "out").exists()


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    "wrong", [("--split", "0.8/0.8"), ("--prefix", "s3://b/"), ("--classes", "gone.toml")]
)
def test_export_refuses_what_cannot_be_done_in_one_line(lenshub, wrong):
    done = lenshub("dataset", "export", "out", "--format", "yolo", *wrong)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)


def test_import_makes_a_store_and_adds_nothing_when_it_comes_again(lenshub, table):
    (table / "labels.csv").write_text(HEAD + "0.jpg,64,48,up,1,2,30,40\n")
    first = lenshub("dataset", "import", "set", "--device", "office")
    assert first.output.strip() == "1 picture stored as reviewed events of office, 0 were there already"
    again = lenshub("dataset", "import", "set", "--device", "office", "--json")
    assert json.loads(again.output)["answer"] == [
        "0 pictures stored as reviewed events of office, 1 were there already"
    ]


def test_import_of_a_set_with_errors_says_them_and_stores_nothing(lenshub, table):
    done = lenshub("dataset", "import", "set", "--device", "office")
    assert done.exit_code == 1
    assert "labels.csv:4: box_outside: corners 1 2 70 40" in done.output
    assert json.loads(lenshub("events", "--json").output) == []


@pytest.mark.usefixtures("table")
def test_import_for_a_device_that_is_none_is_one_line(lenshub):
    done = lenshub("dataset", "import", "set", "--device", "../x")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)


def test_export_prints_twenty_classes_and_counts_the_others(capsys):
    classes = {f"class-{number}": {"train": number} for number in range(1000)}
    _print_sheet({"pictures": {"train": 1}, "negatives": {"train": 0}, "classes": classes, "left_out": {}})
    said = capsys.readouterr().out
    assert "class-19 " in said
    assert "class-20 " not in said
    assert "and 980 more classes, in the datasheet" in said

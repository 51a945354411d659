"""`lenshub dataset` on folders and on a store."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

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
    assert line.split()[1:] == ["box_outside", "corners", "1", "2", "70", "40", "in", "a", "picture", "of", "64", "x", "48", "mended"]


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
    assert 'map.toml: up: must be a text ("" leaves the class out), not 7' in done.output


def test_unknown_format_is_one_line(lenshub, table):
    done = lenshub("dataset", "convert", "set", "out", "--format", "png")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)

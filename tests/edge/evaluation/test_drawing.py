"""The worst pictures, drawn and written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.evaluation.drawing import FOUND_BGR, TRUE_BGR, draw_seen, write_seen
from edge.evaluation.exam import EvaluationError, Scene, Truth
from edge.evaluation.figures import Seen
from edge.evaluation.pairing import pair
from hub.dataset.finding import DatasetError
from hub.event import Box, Detection

GREY = np.full((480, 640, 3), 128, np.uint8)


def seen(path: Path = Path("x.png"), name: str = "x.png") -> Seen:
    truths = (Truth("up", Box(left=0.1, top=0.3, width=0.2, height=0.3)),)
    found = (Detection(label="up", confidence=0.9, box=Box(left=0.6, top=0.3, width=0.2, height=0.3)),)
    return Seen(Scene(name, path, (640, 480), truths), found, pair(truths, found, lambda _: 0.5))


def test_drawing_has_what_is_true_and_what_was_found_in_two_colours():
    drawn = draw_seen(GREY, seen())
    assert drawn[200, 64].tolist() == list(TRUE_BGR)
    assert drawn[200, 384].tolist() == list(FOUND_BGR)


def test_drawing_lists_what_is_said_of_the_whole_picture():
    truths, found = (Truth("a"),), (Detection(label="b", confidence=0.9),)
    drawn = draw_seen(
        GREY, Seen(Scene("x", Path("x"), (1, 1), truths), found, pair(truths, found, lambda _: 0))
    )
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert {FOUND_BGR, TRUE_BGR} <= colours


def test_pictures_are_written_in_order_under_names_that_every_disk_takes(tmp_path):
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((60, 80, 3), np.uint8))
    names = ("a/../b [x].png", f"{'い' * 90}.png")
    write_seen(tmp_path / "out", [seen(tmp_path / "small.png", name) for name in names])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "01-b_x_.jpg",
        f"02-{'い' * 60}.jpg",
    ]
    assert cv2.imread(str(tmp_path / "out/01-b_x_.jpg")).shape == (360, 480, 3)


def test_nothing_is_left_of_pictures_that_cannot_be_written(tmp_path):
    (tmp_path / "gone.jpg").write_bytes(b"?")
    with pytest.raises(EvaluationError, match=r"x\.png: changed meanwhile"):
        write_seen(tmp_path / "out", [seen(tmp_path / "gone.jpg")])
    assert [path.name for path in tmp_path.iterdir()] == ["gone.jpg"]
    (tmp_path / "out").mkdir()
    with pytest.raises(DatasetError, match="is there already"):
        write_seen(tmp_path / "out", [])

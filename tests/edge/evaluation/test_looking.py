"""Models look at pictures: of all kinds, and at what is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.evaluation.exam import EvaluationError, Exam, Scene, Truth
from edge.evaluation.looking import FLOOR, find_model, look, open_model
from edge.model import SHIPPED
from hub.errors import ConfigError
from hub.event import Box


@pytest.fixture(scope="module")
def detector():
    """The shipped detector, telling all it sees."""
    return open_model(SHIPPED / "thumbs-up")[1]


def exam(*paths, size=(64, 48), truths=(), counted="thumbs-up"):
    scenes = tuple(Scene(path.name, path, size, truths) for path in paths)
    return Exam("ssd", "all", (counted,), frozenset({counted}), scenes, ())


def silent(done, total):
    pass


def test_pictures_of_any_kind_are_looked_at(tmp_path, detector):
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 4), np.uint8)
    kinds = {"grey": noise[:, :, 0], "alpha": noise, "deep": noise[:, :, :3].astype(np.uint16) * 257}
    for name, pixels in kinds.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels)
    looked = look(exam(*sorted(tmp_path.iterdir())), [detector, detector], silent)
    assert [scene.name for scene in looked.scenes] == ["alpha.png", "deep.png", "grey.png"]
    assert (looked.left_out, [len(row) for row in looked.seconds]) == ([], [2, 2, 2])
    assert all(one == other for one, other in looked.found)


def test_what_cannot_be_read_is_left_out_and_said(tmp_path, detector):
    cv2.imwrite(str(tmp_path / "good.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    looked = look(
        exam(tmp_path / "gone.jpg", tmp_path / "bad.jpg", tmp_path / "good.png"), [detector], silent
    )
    assert [scene.name for scene in looked.scenes] == ["good.png"]
    assert [name for name, _ in looked.left_out] == ["gone.jpg", "bad.jpg"]
    assert looked.left_out[0][1] == "No such file or directory"


def test_picture_of_another_size_than_its_boxes_is_left_out(tmp_path, detector):
    path = tmp_path / "turned.png"
    cv2.imwrite(str(path), np.zeros((48, 64, 3), np.uint8))
    truths = (Truth("thumbs-up", Box(left=0, top=0, width=1, height=1)),)
    with pytest.raises(EvaluationError, match="is 64 x 48 upright, and its boxes are of 48 x 64"):
        look(exam(path, size=(48, 64), truths=truths), [detector], silent)


def test_nothing_that_can_be_read_is_refused(tmp_path, detector):
    with pytest.raises(EvaluationError, match=r"no picture can be read: gone\.jpg: No such file"):
        look(exam(tmp_path / "gone.jpg"), [detector], silent)


def test_model_is_a_folder_or_the_name_of_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hiragana").mkdir()  # a training set of that name, say
    assert find_model("hiragana") == SHIPPED / "hiragana"
    (tmp_path / "hiragana/model.toml").touch()
    assert find_model("hiragana") == Path("hiragana")
    with pytest.raises(ConfigError, match=r"no shipped model has this name \(hiragana, thumbs-up\)"):
        find_model("nobody")


def test_model_tells_what_is_below_its_threshold_and_not_what_it_ignores():
    card, detector = open_model(SHIPPED / "hiragana")
    found = detector.detect(np.zeros((64, 64, 3), np.uint8))
    assert sorted(one.label for one in found) == sorted("あいうえお")
    assert (card.threshold, open_model(SHIPPED / "thumbs-up")[1].card.threshold) == (0.7, FLOOR)

"""What the loop's camera sees."""

from __future__ import annotations

import numpy as np
import pytest

from edge.demo.make_dusk_clip import SCENE_FRAMES, SCENES
from hub.dataset.formats import read_dataset
from hub.demo.loop.footage import HELD_OUT_SCENES, read_footage, write_exam, write_pictures


@pytest.fixture(scope="module")
def footage():
    return read_footage()


def test_footage_holds_whole_scenes_out(footage):
    shown, held_out = ({one.scene for one in part} for part in (footage.shown, footage.held_out))
    assert not shown & held_out
    assert len(held_out) == HELD_OUT_SCENES
    assert len(footage.shown) + len(footage.held_out) == SCENES * SCENE_FRAMES


def test_footage_is_dark_and_has_thumbs_and_scenes_without(footage):
    assert np.mean([one.pixels.mean() for one in footage.shown]) < 40
    for part in (footage.shown, footage.held_out):
        assert {bool(one.boxes) for one in part} == {True, False}


def test_footage_is_the_same_when_the_seed_is(footage):
    assert np.array_equal(read_footage().shown[3].pixels, footage.shown[3].pixels)
    assert not np.array_equal(read_footage(seed=2).shown[3].pixels, footage.shown[3].pixels)


def test_exam_says_what_is_true_of_the_pictures(footage, tmp_path):
    moments = footage.held_out[:6]
    write_exam(moments, write_pictures(moments, tmp_path / "pictures"), tmp_path / "exam")
    _, dataset, findings = read_dataset(tmp_path / "exam")
    assert not [one for one in findings if one.is_error]
    assert [len(one.objects) for one in dataset.of("test")] == [len(one.boxes) for one in moments]

"""The shipped model on the shipped clip, and the clip against the script that makes it."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.demo
from edge.config import DEFAULT_MODEL
from edge.demo.glyphs import FONT
from edge.demo.make_clip import SEED, draw_clip
from edge.demo.scene import MAX_HEIGHT, MIN_HEIGHT
from edge.demo.score import Score, score_frames
from edge.model import Detector
from hub.event import Box

CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CLIP.with_suffix(".json").read_text())
    return found


@pytest.fixture(scope="module")
def frames() -> list[Any]:
    video = cv2.VideoCapture(str(CLIP))
    pictures = list(itertools.takewhile(lambda read: read[0], (video.read() for _ in itertools.count())))
    return [pixels for _, pixels in pictures]


def score(detector: Detector, frames: list[Any], truth: dict[str, Any]) -> Score:
    boxes = [[Box(**box) for box in entry["thumbs_up"]] for entry in truth["frames"]]
    return score_frames(zip(map(detector.detect, frames), boxes, strict=True))


def zero_weights(folder: Path) -> None:
    """Zero the kernels of all convolutions; the other constants are shapes and grids."""
    weights = bytearray((folder / "model.bin").read_bytes())
    kernels = re.findall(
        r'element_type="f16" shape="[\d, ]{10,}" offset="(\d+)" size="(\d+)"',
        (folder / "model.xml").read_text(),
    )
    for offset, size in kernels:
        weights[int(offset) : int(offset) + int(size)] = bytes(int(size))
    (folder / "model.bin").write_bytes(weights)


def test_model_finds_the_thumbs_up_of_the_clip(frames, truth):
    found = score(Detector(DEFAULT_MODEL), frames, truth)
    assert found.precision >= 0.95
    assert found.recall >= 0.90
    assert found.mean_overlap >= 0.80


def test_model_finds_nothing_when_its_weights_are_zero(frames, truth, tmp_path):
    folder = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "zeroed"))
    zero_weights(folder)
    assert score(Detector(folder), frames, truth).recall == 0


def test_clip_is_wide_and_has_a_truth_for_each_frame(frames, truth):
    assert {picture.shape for picture in frames} == {(360, 640, 3)}
    assert [entry["frame"] for entry in truth["frames"]] == list(range(len(frames)))
    assert len(frames) == 120


def test_clip_shows_hands_of_the_promised_size_and_others_beside_them(truth):
    heights = [box["height"] for entry in truth["frames"] for box in entry["thumbs_up"]]
    assert MIN_HEIGHT - 1e-4 <= min(heights) <= max(heights) <= MAX_HEIGHT + 1e-4
    assert len({name for entry in truth["frames"] for name in entry["others"]}) >= 5
    assert any(not entry["thumbs_up"] for entry in truth["frames"])


@pytest.mark.skipif(not FONT.exists(), reason="fonts-noto-color-emoji is not installed")
def test_clip_is_what_the_script_makes(frames, truth):
    made = list(itertools.islice(draw_clip(SEED), 20))
    for frame, pixels, entry in zip(made, frames, truth["frames"], strict=False):
        assert np.abs(frame.pixels.astype(int) - pixels).mean() < 6
        assert [list(dict(box).values()) for box in frame.thumbs_up] == [
            pytest.approx(list(box.values()), abs=1e-4) for box in entry["thumbs_up"]
        ]

"""The shipped hiragana model on its clip, and the clip against the script that makes it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.demo
from edge.demo.cards import FOLDER, FONTS
from edge.demo.make_hiragana_clip import SEED, draw_hiragana_clip
from edge.demo.score_clip import VOWELS, describe, look, score_cards
from edge.model import SHIPPED, Detector

CLIP = Path(edge.demo.__file__).with_name("hiragana.webm")
MAX_BYTES = 1_500_000


@pytest.fixture(scope="module")
def truth() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(CLIP.with_suffix(".json").read_text(encoding="utf-8"))["frames"]
    return found


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(SHIPPED / "hiragana")


def test_model_names_most_cards_of_the_clip(detector):
    score = score_cards(look(detector, CLIP))
    assert score.accuracy >= 0.95
    assert score.precision >= 0.97


def test_score_is_told_in_a_line_for_each_clip(detector):
    assert describe("hiragana", detector).startswith("accuracy 1.000 of ")


def test_hiragana_clip_shows_each_vowel_as_a_whole_something_else_and_nothing(truth):
    shown = {entry["shows"] for entry in truth if entry["whole"]}
    assert shown >= set(VOWELS)
    assert len(shown - set(VOWELS)) == 1
    assert any(not entry["shows"] for entry in truth)


def test_hiragana_clip_is_wide_and_small_and_has_a_truth_for_each_frame(truth):
    video = cv2.VideoCapture(str(CLIP))
    assert video.read()[1].shape == (360, 640, 3)
    assert [entry["frame"] for entry in truth] == list(range(int(video.get(cv2.CAP_PROP_FRAME_COUNT))))
    assert CLIP.stat().st_size < MAX_BYTES


def test_hiragana_clip_is_what_the_script_makes(truth):
    if not all((FOLDER / font).exists() for font in FONTS):
        with pytest.raises(OSError, match=r"is not installed \(apt-get install fonts-"):
            list(draw_hiragana_clip(SEED))
        return
    video = cv2.VideoCapture(str(CLIP))
    for frame, entry in zip(itertools.islice(draw_hiragana_clip(SEED), 20), truth, strict=False):
        assert np.abs(frame.pixels.astype(int) - video.read()[1]).mean() < 6
        assert {"shows": frame.shows, "whole": frame.whole, "font": frame.font}.items() <= entry.items()

"""The shipped hiragana classifier, on characters of fonts that it was not trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.model import SHIPPED, Detector

CHARACTERS = sorted(Path(__file__).with_name("characters").glob("*.png"))
VOWELS = "あいうえお"


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(SHIPPED / "hiragana")


@pytest.mark.parametrize("path", CHARACTERS, ids=lambda path: path.stem)
def test_hiragana_names_each_vowel_and_nothing_else(detector, path):
    wanted = path.stem[-1]
    found = [one.label for one in detector.detect(cv2.imread(str(path)))]
    assert found == ([wanted] if wanted in VOWELS else [])


def test_hiragana_is_tried_on_every_vowel_of_three_fonts():
    assert sorted(path.stem[-1] for path in CHARACTERS if path.stem[-1] in VOWELS) == sorted(VOWELS * 3)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_hiragana_finds_nothing_when_the_picture_is_empty(detector, grey):
    assert detector.detect(np.full((480, 640, 3), grey, np.uint8)) == ()

"""The shipped hiragana classifier, on characters of fonts that it was not trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.demo.glyphs import OTHER_HANDS, THUMBS_UP, cut_glyph
from edge.model import SHIPPED, Detector
from edge.training.view import FOCAL, SIDES_DEGREES, shift, view_card

CHARACTERS = sorted(Path(__file__).with_name("characters").glob("*.png"))
VOWELS = "あいうえお"
FONTS = 5


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(SHIPPED / "hiragana")


def look(path: Path, angle_degrees: float, side_degrees: float) -> np.ndarray:
    """Show a character of 300 pixels to a camera of 640 x 480 beside it."""
    picture = cv2.imread(str(path))
    scale = np.diag([4.0, 4.0, 1.0])
    view = view_card(angle_degrees, side_degrees, FOCAL * 640)
    matrix = shift(320, 240) @ view @ scale @ shift(-picture.shape[1] / 2, -picture.shape[0] / 2)
    return cv2.warpPerspective(
        picture, matrix, (640, 480), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )


@pytest.mark.parametrize("path", CHARACTERS, ids=lambda path: path.stem)
def test_hiragana_names_each_vowel_and_nothing_else(detector, path):
    wanted = path.stem[-1]
    found = [one.label for one in detector.detect(cv2.imread(str(path)))]
    assert found == ([wanted] if wanted in VOWELS else [])


@pytest.mark.parametrize(("angle_degrees", "least"), [(0, 0.97), (15, 0.97), (30, 0.93), (45, 0.85)])
def test_hiragana_names_vowels_when_the_camera_stands_aside(detector, angle_degrees, least):
    vowels = [path for path in CHARACTERS if path.stem[-1] in VOWELS]
    right = [
        [one.label for one in detector.detect(look(path, angle_degrees, side))] == [path.stem[-1]]
        for path in vowels
        for side in SIDES_DEGREES
    ]
    assert sum(right) / len(right) >= least


def test_hiragana_never_takes_u_for_e_or_e_for_u_when_the_camera_stands_aside(detector):
    pair = [path for path in CHARACTERS if path.stem[-1] in "うえ"]
    for path in pair:
        other = "うえ".replace(path.stem[-1], "")
        found = [one.label for side in SIDES_DEGREES for one in detector.detect(look(path, 30, side))]
        assert other not in found


def test_hiragana_is_tried_on_every_vowel_of_each_font():
    assert sorted(path.stem[-1] for path in CHARACTERS if path.stem[-1] in VOWELS) == sorted(VOWELS * FONTS)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_hiragana_finds_nothing_when_the_picture_is_empty(detector, grey):
    assert detector.detect(np.full((480, 640, 3), grey, np.uint8)) == ()


@pytest.mark.parametrize("text", [THUMBS_UP, *OTHER_HANDS.values()], ids=lambda text: f"{ord(text):x}")
def test_hiragana_finds_nothing_when_the_picture_is_of_a_hand(detector, text):
    glyph = cut_glyph(text).pixels
    seen = glyph[:, :, 3:] / 255
    picture = glyph[:, :, :3] * seen + 200 * (1 - seen)
    assert detector.detect(picture.astype(np.uint8)) == ()

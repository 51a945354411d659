"""The text beside a box: all of it in the picture, whatever the label is and wherever the box."""

from __future__ import annotations

import numpy as np
import pytest

from hub.draw.picture import draw_detections
from hub.draw.tag import draw_tag, write_tag
from hub.event import Box, Detection

GREY = np.full((240, 640, 3), 128, np.uint8)
MIDDLE = Box(left=0.3, top=0.4, width=0.3, height=0.4)


def detection(box: Box | None, label: str = "あ") -> Detection:
    return Detection(label=label, confidence=0.875, box=box)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("thumbs-up", "thumbs-up"),
        ("あ 人", "あ 人"),
        ("👍🏽", "[thumbs up sign]"),
        ("❤️ 👨‍👩", "❤ [man][woman]"),
        ("a\u202eb", "ab"),
    ],
)
def test_tag_spells_what_the_font_cannot_draw(label, text):
    assert write_tag(detection(None, label)) == (text, ": 87.50%")


@pytest.mark.parametrize("label", ["あ", "とても長いラベル" * 25, "i" * 200])
@pytest.mark.parametrize(
    "box",
    [
        Box(left=0.97, top=0.5, width=0.02, height=0.2),
        Box(left=-0.2, top=0.7, width=0.3, height=0.3),
        Box(left=0.4, top=0, width=0.2, height=0.1),
        Box(left=0, top=0, width=1, height=1),
    ],
    ids=["right", "left and bottom", "top", "all of it"],
)
def test_tag_is_whole_when_its_box_is_at_the_edge(box, label):
    drawn, free = (draw_detections(GREY, [detection(place, label)]) for place in (box, MIDDLE))
    assert count_ink(drawn) == count_ink(free) > 0


def count_ink(picture: np.ndarray) -> int:
    return int((picture.max(axis=2) < 40).sum())


@pytest.mark.parametrize(("box", "top"), [((200, 60, 300, 120), 121), ((200, 60, 300, 230), 45)])
def test_tag_stands_below_its_box_where_there_is_room_and_else_above(box, top):
    picture = GREY.copy()
    draw_tag(picture, ("up", ""), box, (255, 0, 0), below=True)
    rows = np.flatnonzero((picture != GREY).any(axis=(1, 2)))
    assert abs(int(rows[0]) - top) <= 1


def test_tag_of_a_long_label_keeps_its_confidence():
    end = [draw_detections(GREY, [detection(MIDDLE, label)])[70:97] for label in ("い" * 200, "い" * 100)]
    assert (end[0] == end[1]).all()


@pytest.mark.parametrize("rows", [1, 4, 11])
def test_tags_without_a_box_are_listed_and_none_hides_another(rows):
    drawn = draw_detections(GREY, [detection(None)] * rows)
    tagged = (drawn != GREY).any(axis=(1, 2)).astype(int)
    assert (np.diff(tagged) == 1).sum() == rows
    assert not tagged[-1]


def test_tag_of_the_surest_lies_on_top():
    first, second = detection(MIDDLE, "い"), detection(MIDDLE, "あ")
    both, alone = draw_detections(GREY, [first, second]), draw_detections(GREY, [first])
    assert (both == alone).all(axis=2).mean() > 0.99

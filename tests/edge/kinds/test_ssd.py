"""Kind `ssd`: every shape it knows, what is refused, and which boxes stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.kinds.outputs import OutputError
from edge.kinds.ssd import find_reader
from edge.model_card import ModelCard
from hub.draw.letterbox import Letterbox

WHOLE = Letterbox.fit(100, 100, 100, 100)
BOXES = np.array([[[0.1, 0.2, 0.5, 0.6], [0.11, 0.2, 0.5, 0.6], [0.6, 0.6, 0.9, 0.9]]], np.float32)


def card(**settings: Any) -> ModelCard:
    fixed: dict[str, Any] = {"name": "m", "version": "1", "kind": "ssd", "width": 100, "height": 100}
    return ModelCard.model_validate(fixed | {"labels": ("cup", "hand")} | settings)


def read(outputs: dict[str, Any], /, **settings: Any) -> list[tuple[str, float, list[float]]]:
    arrays = {name: np.asarray(array, np.float32) for name, array in outputs.items()}
    found = find_reader(card(**settings), arrays)(list(arrays.values()), WHOLE)
    return [
        (one.label, round(one.confidence, 3), np.round(one.box.corners_in(1, 1), 3).tolist()) for one in found
    ]


def test_rows_of_seven_end_at_a_negative_image_id():
    rows = [[[[0, 1, 0.9, 0.1, 0.2, 0.5, 0.6], [-1, 0, 0.9, 0, 0, 1, 1], [0, 0, 0.9, 0, 0, 1, 1]]]]
    assert read({"out": rows}) == [("hand", 0.9, [0.1, 0.2, 0.5, 0.6])]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: [rows]])
def test_rows_of_six_are_read_with_and_without_a_leading_one(wrap):
    rows = wrap([[0, 0.8, 0.1, 0.2, 0.5, 0.6], [1, 0.2, 0, 0, 1, 1]])
    assert read({"out": rows}) == [("cup", 0.8, [0.1, 0.2, 0.5, 0.6])]


def test_separate_outputs_are_told_apart_by_their_names():
    outputs = {"labels": [[0, 0, 1]], "scores": [[0.9, 0.8, 0.7]], "boxes": BOXES}
    assert [row[:2] for row in read(outputs)] == [("cup", 0.9), ("cup", 0.8), ("hand", 0.7)]


def test_boxes_that_overlap_a_better_one_of_their_label_go_when_nms_is_set():
    outputs = {"boxes": BOXES, "scores": [[0.8, 0.9, 0.7]], "labels": [[0, 0, 1]]}
    assert [row[:2] for row in read(outputs, nms=0.5)] == [("cup", 0.9), ("hand", 0.7)]


def test_boxes_that_overlap_stay_when_their_labels_differ():
    outputs = {"boxes": BOXES, "scores": [[0.8, 0.9, 0.7]], "labels": [[0, 1, 1]]}
    assert len(read(outputs, nms=0.5)) == 3


def test_scores_of_every_class_make_a_row_for_each_class():
    scores = [[[2.0, 2.0], [0.0, 9.0], [-9.0, -9.5]]]
    found = read({"boxes": BOXES, "scores": scores}, scores="logits", threshold=0.6)
    assert [row[:2] for row in found] == [("hand", 1.0), ("cup", 0.622)]


def test_corners_in_pixels_and_with_y_first_are_turned_into_fractions():
    rows = [[0, 0.8, 20, 10, 60, 50]]
    found = read({"out": rows}, box_order="yxyx", box_unit="pixel")
    assert found == [("cup", 0.8, [0.1, 0.2, 0.5, 0.6])]


def test_outputs_are_taken_by_the_names_that_the_card_gives():
    outputs = {"a": [[0, 0, 1]], "b": [[0.9, 0.8, 0.7]], "c": BOXES}
    assert len(read(outputs, outputs={"boxes": "c", "scores": "b", "labels": "a"})) == 3


def test_labels_that_are_ignored_or_have_no_number_are_left_out():
    rows = [[0, 0.9, 0, 0, 1, 1], [15, 0.9, 0, 0, 1, 1], [7, 0.9, 0, 0, 1, 1]]
    found = read({"out": rows}, labels=(), classes={"15": "person", "0": "sky"}, ignore=("sky",))
    assert [row[0] for row in found] == ["person"]


def test_only_the_best_are_kept_when_there_are_more_than_allowed():
    rows = [[0, 0.6 + 0.001 * number, 0, 0, 1, 1] for number in range(300)]
    found = read({"out": rows}, max_detections=3)
    assert [row[1] for row in found] == [0.899, 0.898, 0.897]


@pytest.mark.parametrize("score", [np.nan, np.inf, -1])
def test_rows_that_make_no_sense_give_nothing_or_a_confidence_of_at_most_one(score):
    found = read({"out": [[0, score, 0, 0, 1, 1], [np.nan, 1, 0, 0, 1, 1], [0, 1, np.inf, 0, 1, 1]]})
    assert [row[1] for row in found] in ([], [1.0])


def test_rows_can_be_none_at_all():
    assert read({"out": np.zeros((1, 0, 6))}, nms=0.5) == []


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({"out": np.zeros((1, 8400, 84))}, r"gives out \[1,8400,84\]; kind 'ssd' knows one output"),
        ({"boxes": BOXES, "scores": np.zeros((1, 2))}, r"boxes \[1,3,4\], scores \[1,2\]; kind 'ssd' knows"),
        ({"x": BOXES, "y": BOXES}, r"gives x \[1,3,4\], y \[1,3,4\]; kind"),
        ({"boxes": BOXES, "boxes_raw": BOXES}, r"several outputs for boxes: boxes, boxes_raw \(name one"),
        ({"boxes": BOXES, "scores": np.zeros((1, 3, 9))}, r"gives 9 classes; model\.toml has 2 labels"),
        ({"boxes": BOXES, "scores": np.full((1, 3, 2), 7.0)}, r"from 7 to 7, no probabilities"),
    ],
)
def test_outputs_of_unknown_shapes_are_refused_with_what_is_known(outputs, words):
    with pytest.raises(OutputError, match=words):
        read(outputs)


def test_outputs_are_refused_when_the_card_names_one_that_is_not_there():
    with pytest.raises(OutputError, match=r"no output 'b' for boxes \(known: out\)"):
        read({"out": np.zeros((1, 5, 6))}, outputs={"boxes": "b"})

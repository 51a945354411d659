"""Raw outputs read as parseResult did."""

from __future__ import annotations

import numpy as np
import pytest

from edge.deeplens.hints import Hints, read_hints
from edge.deeplens.results import MAX_ROWS, Sizes, read_classification, read_segmentation, read_ssd
from hub.errors import ConfigError

SIZES = Sizes((300, 200), (100, 100))
NONE = Hints()
BOXES = np.array([[[0.1, 0.2, 0.5, 0.6], [0.11, 0.2, 0.5, 0.6], [0.6, 0.6, 0.9, 0.9]]])


def test_ssd_gives_corners_in_pixels_of_the_picture_best_first():
    rows = np.array([[[[0, 2, 0.3, 0, 0, 1, 1], [0, 1, 0.9, 0.1, 0.2, 0.3, 0.4]]]])
    best, other = read_ssd({"out": rows}, SIZES, NONE)
    corners = {"xmin": 30.0, "ymin": 40.0, "xmax": 90.0, "ymax": 80.0}
    assert best == {"label": 1, "prob": 0.9, **{k: pytest.approx(v) for k, v in corners.items()}}
    assert (type(best["label"]), other["label"]) == (int, 2)


def test_ssd_ends_at_a_negative_picture_number():
    rows = np.array([[[[-1, 0, 0, 0, 0, 0, 0], [0, 1, 0.9, 0, 0, 1, 1]]]])
    assert read_ssd({"out": rows}, SIZES, NONE) == []


def test_ssd_reads_rows_of_six_and_leaves_out_empty_and_mad_ones():
    rows = np.array(
        [[[-1, -1, 0, 0, 0, 0], [0, 0.8, 0, 0, 1, 1], [0, np.nan, 0, 0, 1, 1], [0, 1, 0, 0, 1e9, 1]]]
    )
    assert [row["prob"] for row in read_ssd({"out": rows}, SIZES, NONE)] == [0.8]


@pytest.mark.parametrize("shape", [(1, 5), (7, 3), (3,), (2, 1, 5, 7)])
def test_ssd_names_the_shape_it_cannot_read(shape):
    with pytest.raises(
        ValueError, match=r"parseResult: the network gives out \[.*kind 'ssd' knows one output"
    ):
        read_ssd({"out": np.zeros(shape)}, SIZES, NONE)


def test_ssd_reads_boxes_scores_and_labels_in_outputs_of_their_own():
    outputs = {"labels": np.array([[0, 2, 1]]), "boxes": BOXES, "scores": np.array([[0.7, 0.9, 0.0]])}
    best, other = read_ssd(outputs, SIZES, NONE)
    assert (best["label"], best["prob"], round(best["xmin"], 3), round(best["ymax"], 3)) == (2, 0.9, 33, 120)
    assert other["label"] == 0


def test_ssd_reads_scores_of_every_class_also_as_logits():
    outputs = {"boxes": BOXES, "scores": np.array([[[2.0, 2.0], [0.0, 9.0], [-9.0, -9.5]]])}
    found = [(row["label"], round(row["prob"], 3)) for row in read_ssd(outputs, SIZES, NONE)]
    assert found == [(1, 1.0), (0, 0.622), (0, 0.5), (1, 0.5), (1, 0.378), (0, 0.0)]


def test_ssd_heeds_the_hints_for_names_order_unit_and_overlaps():
    outputs = {"a": np.array([[0, 0, 1]]), "b": np.array([[0.9, 0.8, 0.7]]), "c": BOXES * 100}
    parts = {"boxes": "c", "scores": "b", "labels": "a"}
    hints = Hints(outputs=parts, box_order="yxyx", box_unit="pixel", nms=0.5)
    best, other = read_ssd(outputs, SIZES, hints)
    assert (best["prob"], best["xmin"], best["ymin"]) == (0.9, pytest.approx(60), pytest.approx(20))
    assert other["label"] == 1


def test_ssd_says_what_it_found_when_outputs_cannot_be_told_apart():
    with pytest.raises(ValueError, match=r"gives x \[1,3,4\], y \[1,3,4\]; kind 'ssd' knows"):
        read_ssd({"x": BOXES, "y": BOXES}, SIZES, NONE)


def test_ssd_returns_no_more_rows_than_anybody_looks_at():
    rows = np.tile([0, 0.5, 0, 0, 1, 1], (5000, 1))
    assert len(read_ssd({"out": rows}, SIZES, NONE)) == MAX_ROWS


def test_hints_are_those_of_the_device_when_there_is_no_file(tmp_path):
    assert read_hints(tmp_path / "model.toml") == Hints(colours="bgr", box_order="xyxy")


@pytest.mark.parametrize("text", ["colours = 3", "colours", "mean = []", "scale = [0]"])
def test_hints_that_cannot_be_read_name_the_file(tmp_path, text):
    (tmp_path / "model.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"model\.toml"):
        read_hints(tmp_path / "model.toml")


def test_classification_keeps_probabilities_best_first():
    found = read_classification({"prob": np.array([[0.2, 0.7, 0.1]])}, SIZES, NONE)
    assert [(row["label"], row["prob"]) for row in found] == [(1, 0.7), (0, 0.2), (2, 0.1)]


def test_classification_makes_probabilities_of_logits():
    found = read_classification({"fc": np.array([[-3.0, 1000.0, 5.0]])}, SIZES, NONE)
    assert (found[0]["label"], sum(row["prob"] for row in found)) == (1, pytest.approx(1))


def test_segmentation_gives_each_label_its_share_of_the_area():
    scores = np.zeros((1, 3, 2, 2))
    scores[0, 2] = 1
    scores[0, 1, 0, 0] = 2
    assert read_segmentation({"out": scores}, SIZES, NONE) == [
        {"label": 2, "prob": 0.75},
        {"label": 1, "prob": 0.25},
    ]


def test_segmentation_leaves_out_what_is_no_label():
    labels = np.array([[[1, -1], [np.nan, np.inf]]])
    assert read_segmentation({"out": labels}, SIZES, NONE) == [{"label": 1, "prob": 0.25}]


def test_classification_needs_one_output():
    with pytest.raises(ValueError, match=r"needs one output, found \['a', 'b'\]"):
        read_classification({"a": np.zeros(2), "b": np.zeros(1)}, SIZES, NONE)

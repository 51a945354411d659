"""Raw outputs read as parseResult did."""

from __future__ import annotations

import numpy as np
import pytest

from edge.deeplens.results import read_classification, read_segmentation, read_ssd

SIZE = (300, 200)


def test_ssd_gives_corners_in_pixels_of_the_picture_best_first():
    rows = np.array([[[[0, 2, 0.3, 0, 0, 1, 1], [0, 1, 0.9, 0.1, 0.2, 0.3, 0.4]]]])
    best, other = read_ssd({"out": rows}, SIZE)
    corners = {"xmin": 30.0, "ymin": 40.0, "xmax": 90.0, "ymax": 80.0}
    assert best == {"label": 1, "prob": 0.9, **{k: pytest.approx(v) for k, v in corners.items()}}
    assert (type(best["label"]), other["label"]) == (int, 2)


def test_ssd_ends_at_a_negative_picture_number():
    rows = np.array([[[[-1, 0, 0, 0, 0, 0, 0], [0, 1, 0.9, 0, 0, 1, 1]]]])
    assert read_ssd({"out": rows}, SIZE) == []


def test_ssd_reads_rows_of_six_and_leaves_out_empty_and_mad_ones():
    rows = np.array(
        [[[-1, -1, 0, 0, 0, 0], [0, 0.8, 0, 0, 1, 1], [0, np.nan, 0, 0, 1, 1], [0, 1, 0, 0, 1e9, 1]]]
    )
    assert [row["prob"] for row in read_ssd({"out": rows}, SIZE)] == [0.8]


@pytest.mark.parametrize("shape", [(1, 5), (7, 3), (3,)])
def test_ssd_names_the_shape_it_cannot_read(shape):
    with pytest.raises(ValueError, match="ssd needs"):
        read_ssd({"out": np.zeros(shape)}, SIZE)


def test_classification_keeps_probabilities_best_first():
    found = read_classification({"prob": np.array([[0.2, 0.7, 0.1]])}, SIZE)
    assert [(row["label"], row["prob"]) for row in found] == [(1, 0.7), (0, 0.2), (2, 0.1)]


def test_classification_makes_probabilities_of_logits():
    found = read_classification({"fc": np.array([[-3.0, 1000.0, 5.0]])}, SIZE)
    assert (found[0]["label"], sum(row["prob"] for row in found)) == (1, pytest.approx(1))


def test_segmentation_gives_each_label_its_share_of_the_area():
    scores = np.zeros((1, 3, 2, 2))
    scores[0, 2] = 1
    scores[0, 1, 0, 0] = 2
    assert read_segmentation({"out": scores}, SIZE) == [
        {"label": 2, "prob": 0.75},
        {"label": 1, "prob": 0.25},
    ]


def test_results_need_one_output():
    with pytest.raises(ValueError, match=r"needs one output, found \['a', 'b'\]"):
        read_ssd({"a": np.zeros((1, 1, 1, 7)), "b": np.zeros(1)}, SIZE)

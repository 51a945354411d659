"""Kind `segmentation`: each label's share of the frame, without the letterbox's bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.kinds.outputs import OutputError
from edge.kinds.segmentation import find_reader
from edge.model_card import ModelCard
from hub.draw.letterbox import Letterbox

WIDE = Letterbox.fit(80, 40, 8, 8)  # two rows of bars above and below
NUMBERS = np.array([[9] * 8, [9] * 8, [1] * 8, [1] * 8, [0] * 8, [0, 0, 0, 0, 2, 2, 2, 2], [9] * 8, [9] * 8])


def read(array: Any, **settings: Any) -> dict[str, tuple[float, Any]]:
    fixed = {"name": "m", "version": "1", "kind": "segmentation", "width": 8, "height": 8}
    card = ModelCard.model_validate(fixed | {"labels": ("road", "sky", "car")} | settings)
    outputs = {"out": np.asarray(array)}
    found = find_reader(card, outputs)(list(outputs.values()), WIDE)
    return {one.label: (round(one.confidence, 3), one.attributes["area"]) for one in found}


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 1, 8, 8)])
def test_class_numbers_give_each_label_its_share_of_the_frame(shape):
    assert read(NUMBERS.reshape(shape)) == {"road": (1, 0.375), "sky": (1, 0.5), "car": (1, 0.125)}


def test_scores_give_the_best_class_of_each_pixel_and_how_sure_it_is():
    scores = np.zeros((1, 3, 8, 8), np.float32)
    scores[0, 0] = 0.6
    scores[0, 2, :, :2] = 0.9
    assert read(scores) == {"road": (0.6, 0.75), "car": (0.9, 0.25)}


def test_logits_become_probabilities():
    scores = np.zeros((1, 3, 8, 8), np.float32)
    scores[0, 1] = 2
    assert read(scores, scores="logits") == {"sky": (0.787, 1)}


def test_labels_that_are_small_or_ignored_are_left_out():
    assert read(NUMBERS[None], min_area=0.2, ignore=("road",)) == {"sky": (1, 0.5)}


def test_output_of_another_size_than_the_input_is_cut_where_the_frame_lies():
    assert read(np.kron(NUMBERS, np.ones((2, 2)))[None]) == read(NUMBERS[None])


def test_numbers_that_make_no_sense_give_nothing():
    strange = np.array([np.nan, np.inf, -5, 1e30, 77, -np.inf, 3, 3], np.float32)
    assert read(np.tile(strange, (8, 1))[None]) == {}


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8), (1, 3, 8, 8, 1), (1, 0, 8)])
def test_output_is_refused_when_its_shape_is_unknown(shape):
    with pytest.raises(OutputError, match=r"kind 'segmentation' knows one output of scores \[1,C,H,W\]"):
        read(np.zeros(shape, np.float32))


def test_output_is_refused_when_it_has_more_classes_than_labels():
    with pytest.raises(OutputError, match=r"gives 4 classes; model\.toml has 3 labels"):
        read(np.zeros((1, 4, 8, 8), np.float32))

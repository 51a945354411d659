"""Kind `classification`: probabilities and logits, the best so many, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.kinds.classification import find_reader
from edge.kinds.outputs import OutputError
from edge.model_card import ModelCard
from hub.draw.letterbox import Letterbox

WHOLE = Letterbox.fit(8, 8, 8, 8)


def read(scores: Any, /, **settings: Any) -> list[tuple[str, float]]:
    fixed = {"name": "m", "version": "1", "kind": "classification", "width": 8, "height": 8}
    card = ModelCard.model_validate(fixed | {"labels": ("あ", "い", "other")} | settings)
    outputs = {"out": np.asarray(scores, np.float32)}
    found = find_reader(card, outputs)(list(outputs.values()), WHOLE)
    assert all(one.box is None for one in found)
    return [(one.label, round(one.confidence, 3)) for one in found]


@pytest.mark.parametrize("shape", [(1, 3), (3,), (1, 3, 1, 1), (1, 1, 1, 3)])
def test_best_label_is_found_in_every_known_shape(shape):
    assert read(np.reshape([0.1, 0.7, 0.2], shape)) == [("い", 0.7)]


def test_logits_become_probabilities():
    assert read([[1000.0, 999.0, -1000.0]], scores="logits") == [("あ", 0.731)]


def test_best_so_many_come_in_order_when_more_are_asked_for():
    assert read([[0.3, 0.4, 0.3]], top_k=2, threshold=0) == [("い", 0.4), ("あ", 0.3)]


def test_nothing_is_found_when_the_best_is_ignored_and_the_rest_unsure():
    assert read([[0.1, 0.2, 0.7]], ignore=("other",)) == []


def test_label_has_a_threshold_of_its_own():
    assert read([[0.1, 0.7, 0.2]], thresholds={"い": 0.8}) == []


def test_classes_name_some_of_many_numbers():
    scores = np.zeros((1, 1000), np.float32)
    scores[0, 504] = 0.9
    assert read(scores, labels=(), classes={"504": "coffee mug"}) == [("coffee mug", 0.9)]


def test_scores_that_are_no_numbers_give_nothing():
    assert read([[np.nan, np.nan, np.nan]]) == []
    assert read([[np.nan, np.nan, np.nan]], scores="logits") == []


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.zeros((1, 3, 3)), r"gives out \[1,3,3\]; kind 'classification' knows one output \[1,C\]"),
        (np.zeros((2, 3)), r"gives out \[2,3\]; kind"),
        (np.zeros((1, 0)), r"gives out \[1,0\]; kind"),
        (np.zeros((1, 7)), r"gives 7 classes; model\.toml has 3 labels"),
        ([[3.0, -2.0, 0.5]], r'from -2 to 3, no probabilities \(scores = "logits"\?\)'),
    ],
)
def test_output_is_refused_with_the_reason(scores, words):
    with pytest.raises(OutputError, match=words):
        read(scores)


def test_output_is_refused_when_classes_name_a_number_it_does_not_have():
    with pytest.raises(OutputError, match=r"gives 3 classes; model\.toml's classes name number 9"):
        read([[0.1, 0.2, 0.7]], classes={"9": "x"})

"""The threshold that a judgement leads to."""

from __future__ import annotations

import pytest

from edge.model_card import SHIPPED, read_card
from edge.training.finetune.judging import Judgement
from edge.training.finetune.learning import Learnt
from edge.training.finetune.tuning import Tuned


def test_threshold_lies_in_the_middle_of_what_separates_true_from_false():
    ranked = ((0.9, True), (0.8, True), (0.6, False), (0.1, False))
    assert Judgement(1.0, ranked, 2).choose_threshold(0.5) == 0.7


def test_threshold_stays_where_it_is_as_good_as_any():
    ranked = ((0.9, True), (0.8, True), (0.4, False), (0.1, False))
    assert Judgement(1.0, ranked, 2).choose_threshold(0.5) == 0.5


def test_threshold_takes_a_false_one_along_where_more_true_ones_follow():
    ranked = ((0.9, True), (0.8, False), (0.4, True), (0.3, True), (0.1, False))
    assert Judgement(1.0, ranked, 3).choose_threshold(0.5) == 0.2


def test_precision_and_recall_are_those_at_the_threshold():
    judged = Judgement(1.0, ((0.9, True), (0.8, False), (0.3, True)), 4)
    assert judged.at(0.5) == (0.5, 0.25)
    assert judged.at(0.95) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("confidence", "is_better"), [(0.9, True), (0.3, False)], ids=["surer", "as unsure as before"]
)
def test_model_that_is_surer_of_the_same_order_is_better(confidence, is_better):
    card = read_card(SHIPPED / "thumbs-up")
    old, new = (Judgement(1.0, ((one, True), (0.1, False)), 1) for one in (0.2, confidence))
    assert Tuned(card, old, Learnt({}, new, 1, 1), 0.5).is_better == is_better


def test_better_order_counts_more_than_confidence():
    card = read_card(SHIPPED / "thumbs-up")
    old, new = Judgement(0.9, ((0.9, True), (0.95, False)), 1), Judgement(1.0, ((0.2, True),), 1)
    assert Tuned(card, old, Learnt({}, new, 1, 1), 0.5).is_better
    assert not Tuned(card, new, Learnt({}, old, 1, 1), 0.5).is_better

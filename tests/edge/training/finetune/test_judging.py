"""The threshold that a judgement leads to."""

from __future__ import annotations

from edge.training.finetune.judging import Judgement


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

"""The published table and curves, on cases whose answers were found by hand."""

from __future__ import annotations

import pytest

from edge.evaluation.counts import Counts
from edge.evaluation.exam import Truth
from hub.event import Detection


def test_counts_are_those_found_by_hand(figures, true, found):
    rows = [
        ([true(0.1), true(0.5)], [found(0.11, 0.9), found(0.5, 0.8)]),  # both, one a little beside
        ([true(0.1)], [found(0.1, 0.7), found(0.1, 0.6)]),  # found twice: the second is false
        ([true(0.1)], [found(0.17, 0.95)]),  # too far away: false and missed
        ([true(0.1)], [found(0.1, 0.49)]),  # less sure than the threshold of 0.5: missed
        ([], [found(0.3, 0.55)]),  # false
    ]
    counts = figures(rows).counts
    assert counts == Counts(5, 3, 3, 2, pytest.approx(0.8), pytest.approx(0.7))
    assert (counts.precision, counts.recall, counts.f1) == (0.5, 0.6, pytest.approx(6 / 11))


def test_counts_give_the_published_table(figures, true, found):
    hits = [([true(0.1)], [found(0.1, 0.875)])] * 29
    rows = [
        *hits,
        ([true(0.1)], []),
        *[([], [found(0.5, 0.454 + 0.01 * step)]) for step in range(-4, 5) if step],
    ]
    made = figures(rows)
    made.threshold = 0.30
    counts = made.counts
    assert (counts.expected, counts.true, counts.false, counts.missed) == (30, 29, 8, 1)
    assert (counts.mean_true_confidence, counts.mean_false_confidence) == (0.875, pytest.approx(0.454))


def test_counts_of_nothing_have_no_means(figures):
    assert figures([([], [])]).counts == Counts(0, 0, 0, 0, None, None)


def test_classes_have_what_was_mistaken_as_false_of_one_and_missed_of_the_other(figures, true, found):
    rows = [([true(0.1, "up"), true(0.5, "down")], [found(0.1, 0.9, "down"), found(0.5, 0.8, "down")])]
    made = figures(rows, ("up", "down"))
    assert made.classes == {"up": Counts(1, 0, 0, 1, None, None), "down": Counts(1, 1, 1, 0, 0.8, 0.9)}
    assert made.confusion == {("up", "down"): 1, ("down", "down"): 1}


def test_confusion_has_nothing_on_either_side(figures, true, found):
    rows = [([true(0.1)], []), ([], [found(0.1, 0.9)])]
    assert figures(rows).confusion == {("up", None): 1, (None, "up"): 1}


def test_curve_has_at_each_threshold_what_the_counts_have(figures, true, found):
    rows = [([true(0.1)], [found(0.1, 0.9), found(0.4, 0.3)]), ([true(0.1)], [found(0.1, 0.5)])]
    made = figures(rows)
    for threshold in (0.0, 0.3, 0.31, 0.5, 0.51, 0.95):
        one = figures(rows)
        one.threshold = threshold
        point, counts = made.curve.at(threshold), one.counts
        assert (point.true, point.false, point.missed) == (counts.true, counts.false, counts.missed)
    assert (made.curve.best.threshold, made.curve.best.f1) == (0.5, 1.0)


def named(label, confidence):
    return Detection(label=label, confidence=confidence)


def test_labels_of_whole_pictures_are_counted_by_the_surest(figures):
    rows = [
        ([Truth("a")], [named("a", 0.9), named("b", 0.05)]),
        ([Truth("a")], [named("b", 0.6), named("a", 0.4)]),
        ([Truth("b")], [named("b", 0.3)]),
        ([], [named("b", 0.7)]),
        ([], [named("b", 0.2)]),
    ]
    made = figures(rows, ("a", "b", "c", "d"), "classification")
    assert made.counts == Counts(3, 1, 2, 2, 0.9, pytest.approx(0.65))
    assert made.accuracy == 2 / 5
    assert made.top == {1: pytest.approx(2 / 3), 2: 1.0}
    assert made.confusion == {("a", "a"): 1, ("a", "b"): 1, ("b", None): 1, (None, "b"): 1}

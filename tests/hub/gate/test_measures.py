"""What is reported of a gate, with refused pictures known from an audit only."""

from __future__ import annotations

import random

import pytest

from hub.gate.measures import Judged, choose, measure, trace, weigh, wilson


def draw_history(pictures: int, audit_share: float, seed: int = 1) -> tuple[list[Judged], int, list[bool]]:
    """Return decisions at threshold 0.5, how many were audited, and the truth that nobody knows."""
    rng = random.Random(seed)  # noqa: S311 - a draw, no secret
    decisions, audited, truth = [], 0, []
    for _ in range(pictures):
        text = rng.random() < 0.5
        score = min(1.0, max(0.0, rng.gauss(0.75 if text else 0.25, 0.15)))
        passed = score >= 0.5
        audit = not passed and rng.random() < audit_share
        audited += audit
        decisions.append(Judged(score, passed, text if passed or audit else None))
        truth.append(text)
    return decisions, audited, truth


def test_report_tells_the_shares_exactly_when_all_is_known():
    decisions = (
        [Judged(0.9, True, True)] * 8
        + [Judged(0.8, True, False)] * 2
        + [Judged(0.1, False, True)] * 2
        + [Judged(0.1, False, False)] * 8
    )
    told = measure(decisions, 10, 0.001)
    assert (told.precision, told.recall) == (0.8, 0.8)
    assert told.recall_interval == (0.8, 0.8)
    assert (told.saved_calls, told.saved_money) == (0, 0)
    assert told.matrix is not None
    assert tuple(told.matrix.model_dump().values()) == (8, 2, 2, 8)


def test_report_has_the_true_recall_within_its_interval_when_a_share_is_audited():
    within = 0
    for seed in range(40):
        decisions, audited, truth = draw_history(1500, 0.2, seed)
        passed = sum(d.passed and text for d, text in zip(decisions, truth, strict=True))
        low, high = measure(decisions, audited, 0.001).recall_interval or (1, 0)
        within += low <= passed / sum(truth) <= high
    assert within >= 36


def test_report_leaves_recall_unknown_when_nothing_was_audited():
    decisions, _, _ = draw_history(300, 0)
    told = measure(decisions, 0, 0.002)
    assert told.recall is None
    assert told.recall_interval is None
    assert told.matrix is None
    assert told.saved_money == pytest.approx(0.002 * told.refused)


def test_report_of_no_pictures_divides_by_nothing():
    told = measure([], 0, 1)
    assert (told.pictures, told.precision, told.recall, told.saved_share) == (0, None, None, 0)


def test_threshold_chosen_is_the_highest_that_keeps_the_recall():
    decisions, _, _ = draw_history(4000, 0.5)
    points = trace(weigh(decisions))
    best = choose(points, 0.9)
    assert best is not None
    assert best.recall >= 0.9
    assert all(point.recall < 0.9 for point in points if point.threshold > best.threshold + 1e-6)


def test_curve_weighs_audited_pictures_as_those_they_stand_for():
    decisions, _, truth = draw_history(6000, 0.25)
    points = trace(weigh(decisions))
    at_half = next(point for point in points if point.threshold >= 0.5)
    passed = [(d.passed, text) for d, text in zip(decisions, truth, strict=True)]
    assert at_half.saved_share == pytest.approx(sum(not p for p, _ in passed) / 6000, abs=0.002)
    assert at_half.recall == pytest.approx(sum(p and t for p, t in passed) / sum(truth), abs=0.01)


def test_no_threshold_is_chosen_when_nothing_is_known():
    assert choose(trace(weigh([Judged(0.5, True, None), Judged(None, True, True)])), 0.5) is None


def test_wilson_interval_is_the_published_one():
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-4)

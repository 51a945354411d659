"""Whether a model is better, or only luckier."""

from __future__ import annotations

import numpy as np
import pytest

from edge.evaluation.comparison import Comparison


@pytest.fixture
def finding(figures, true, found):
    """A function from how many of 60 pictures a model finds its box on, shuffled, to its figures."""

    def make(hits, seed=0):
        order = np.random.default_rng(seed).permutation(60)
        return figures([([true(0.1)], [found(0.1, 0.9)] if number < hits else []) for number in order])

    return make


@pytest.mark.parametrize(
    ("old", "new", "verdict"), [(20, 45, "better"), (45, 20, "worse"), (30, 32, "no difference")]
)
def test_verdict_is_what_can_be_told_from_chance(finding, old, new, verdict):
    made = Comparison(finding(old), finding(new, seed=1))
    ap50, f1 = made.differences
    assert made.verdict == verdict
    assert ap50.low < ap50.change < ap50.high
    assert f1.change == pytest.approx(2 * new / (new + 60) - 2 * old / (old + 60))


def test_verdict_is_no_difference_of_a_model_and_itself(finding):
    made = Comparison(finding(30), finding(30))
    assert (made.verdict, made.differences[0].low, made.differences[0].high) == ("no difference", 0, 0)
    assert made.changed == []


def test_same_seed_gives_the_same_interval(finding):
    one, same, other = (Comparison(finding(20), finding(30, 1), seed).differences[0] for seed in (1, 1, 2))
    assert (one == same, one == other) == (True, False)


def test_few_pictures_tell_nothing(figures, true, found):
    rows = [([true(0.1)], [])] * 19
    made = Comparison(figures(rows), figures([(truths, [found(0.1, 0.9)]) for truths, _ in rows]))
    assert (made.verdict, made.is_enough, made.differences[0].change) == ("no difference", False, 1.0)


def test_changed_are_the_pictures_that_gained_or_lost_most(figures, true, found):
    old = figures([([true(0.1)], []), ([true(0.1)], [found(0.1, 0.9)]), ([true(0.1)], [found(0.1, 0.4)])])
    new = figures([([true(0.1)], []), ([true(0.1)], []), ([true(0.1)], [found(0.1, 0.9)])])
    changed = Comparison(old, new).changed
    assert [(one.old.scene.name, round(one.gain, 2)) for one in changed] == [("1.jpg", -1.0), ("2.jpg", 0.6)]


def test_nothing_true_tells_nothing(figures, found):
    rows = [([], [found(0.1, 0.9)])] * 30
    made = Comparison(figures(rows), figures([([], [])] * 30))
    assert (made.verdict, made.differences[0].change) == ("no difference", None)

"""Average precision, against plain Python and against pictures that are really there twice."""

from __future__ import annotations

import numpy as np
import pytest

from edge.demo.score import intersect
from edge.evaluation.average import find_averages
from edge.evaluation.exam import Truth
from hub.event import Box, Detection

CLASSES = ("up", "down", "unused")


def plain_average(rows, label, overlap):
    """Return the average precision of a class, as COCO defines it: 101 recalls, the surest chooses first."""
    ranked = sorted(
        ((one, number) for number, (_, seen) in enumerate(rows) for one in seen if one.label == label),
        key=lambda pair: -pair[0].confidence,
    )
    left = {n: [one.box for one in truths if one.label == label] for n, (truths, _) in enumerate(rows)}
    expected, hits, points = sum(map(len, left.values())), 0, []
    for rank, (one, number) in enumerate(ranked, 1):
        best = max(left[number], key=lambda box, one=one: intersect(one.box, box), default=None)
        if best is not None and intersect(one.box, best) >= overlap:
            left[number].remove(best)
            hits += 1
        points.append((hits / expected, hits / rank))
    reached = [max((p for r, p in points if r >= step / 100), default=0.0) for step in range(101)]
    return sum(reached) / 101


def some_rows(seed=5, pictures=40):
    """Return pictures with boxes of two classes, most of them found more or less exactly, and others."""
    random = np.random.default_rng(seed)

    def box(near=None):
        left, top = random.uniform(0, 0.7, 2) if near is None else (near.left, near.top)
        moved = random.normal(0, 0.03, 2) if near else (0, 0)
        return Box(left=left + moved[0], top=top + moved[1], width=0.2, height=0.25)

    rows = []
    for _ in range(pictures):
        truths = [Truth(str(random.choice(CLASSES[:2])), box()) for _ in range(random.integers(0, 4))]
        near = [(one.label, box(one.box)) for one in truths if random.random() < 0.8]
        others = [(str(random.choice(CLASSES)), box()) for _ in range(random.integers(0, 3))]
        seen = [
            Detection(label=label, confidence=float(random.uniform(0.05, 1)), box=where)
            for label, where in near + others
        ]
        rows.append((truths, seen))
    return rows


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_averages_are_those_of_plain_python(figures, seed):
    rows = some_rows(seed)
    averages = figures(rows, CLASSES).averages
    overlaps = [round(0.5 + 0.05 * step, 2) for step in range(10)]
    for label in CLASSES[:2]:
        plain = [plain_average(rows, label, overlap) for overlap in overlaps]
        assert averages.ap50[label] == pytest.approx(plain[0], abs=1e-9)
        assert averages.ap50_95[label] == pytest.approx(sum(plain) / 10, abs=1e-9)


def test_averages_of_a_class_without_truth_are_none_and_do_not_count(figures):
    averages = figures(some_rows(), CLASSES)
    assert averages.averages.ap50["unused"] is None
    assert averages.ap50 == pytest.approx(sum(averages.averages.ap50[label] for label in CLASSES[:2]) / 2)


def test_resample_is_the_average_of_pictures_that_are_there_so_often(figures):
    rows = some_rows()
    weights = np.random.default_rng(9).integers(0, 3, len(rows))
    often = [row for row, weight in zip(rows, weights, strict=True) for _ in range(weight)]
    made = figures(rows, CLASSES).averages
    assert made.resample(weights) == pytest.approx(figures(often, CLASSES).ap50, abs=1e-9)
    assert made.resample(np.ones(len(rows), int)) == pytest.approx(figures(rows, CLASSES).ap50, abs=1e-9)


def test_averages_of_nothing_found_are_zero_and_of_nothing_true_are_none(figures, true, found):
    assert figures([([true(0.1)], [])]).ap50 == 0
    assert figures([([], [found(0.1, 0.9)])]).ap50 is None
    assert find_averages([], [], ("up",)).ap50 == {"up": None}


def test_averages_print_nothing(figures, capsys):
    assert figures(some_rows(), CLASSES).ap50
    assert capsys.readouterr().out == ""

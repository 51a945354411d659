"""Curves as a picture."""

from __future__ import annotations

import cv2
import numpy as np
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.figure import Figure

from edge.evaluation.plots import draw_curves, draw_thresholds


def decode(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def test_curves_of_one_model_and_of_two_are_drawn_alike_each_time(figures, true, found):
    one = figures([([true(0.1)], [found(0.1, 0.9), found(0.5, 0.8)])])
    other = figures([([true(0.1)], [found(0.5, 0.9)])])
    assert draw_curves([one]) == draw_curves([one])
    assert decode(draw_curves([one])).shape == decode(draw_curves([one, other])).shape == (594, 1210, 3)
    assert draw_curves([one]) != draw_curves([one, other])


def test_curves_are_drawn_of_many_classes_of_nothing_and_of_hostile_names(figures, true, found):
    names = ("$x^{2$", "い", "\u202eevil\x1b[31m", "_hidden")
    rows = [([true(0.1, name)], [found(0.1, 0.9, name)]) for name in names if "\x1b" not in name]
    assert draw_curves([figures(rows, tuple(name for name in names if "\x1b" not in name))])
    assert draw_curves([figures([([], [])])])


def test_lines_by_threshold_are_drawn_as_the_table_has_them(figures, true, found):
    one = figures([([true(0.1), true(0.7)], [found(0.1, 0.91), found(0.5, 0.62), found(0.7, 0.31)])])
    axes = Figure().subplots()
    draw_thresholds(axes, [one])
    for name, line in zip(("precision", "recall", "f1"), axes.lines, strict=False):
        xs, ys = STEP_LOOKUP_MAP[line.get_drawstyle()](*line.get_data())
        table = {p.threshold: getattr(p, name) for p in one.curve.points if getattr(p, name) is not None}
        assert np.interp(list(table), xs, ys).tolist() == list(table.values())

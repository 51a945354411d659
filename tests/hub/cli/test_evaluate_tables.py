"""What `lenshub evaluate` prints of models with many classes, and of names that strangers gave."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.evaluation.comparison import Comparison
from edge.evaluation.exam import Exam, Scene, Truth
from edge.evaluation.figures import Figures
from edge.evaluation.looking import Looked
from edge.model_card import ModelCard
from hub.cli.evaluate_changes import print_comparison, verdict_line
from hub.cli.evaluate_tables import print_figures
from hub.event import Box, Detection

PLACE = Box(left=0.1, top=0.1, width=0.2, height=0.2)


def figures(labels: list[str], found: list[str | None]) -> Figures:
    """Return the figures of pictures that show one class each, and what was found at its place."""
    scenes = [Scene(f"{one}.jpg", Path("x"), (9, 9), (Truth(one, PLACE),)) for one in labels]
    rows = [(Detection(label=one, confidence=0.9, box=PLACE),) if one else () for one in found]
    card = ModelCard(name="m", version="1", kind="ssd", labels=labels, width=9, height=9)
    exam = Exam("ssd", "all", tuple(labels), frozenset(labels), tuple(scenes), ())
    return Figures(card, exam, Looked(scenes, [(row,) for row in rows], [(0.001,)] * len(rows)))


def test_classes_have_average_precisions_and_their_names_are_shown_as_they_are(capsys):
    names = ["[b]evil", "a\u202eb"]
    print_figures(figures(names, [names[0], None]), 5)
    lines = capsys.readouterr().out.splitlines()
    cells = [line.split() for line in lines]
    assert ["[b]evil", "1", "1", "0", "0", "1.000", "1.000", "1.000", "1.000"] in cells
    assert ["a\\u202eb", "1", "0", "0", "1", "-", "0.000", "0.000", "0.000"] in cells
    assert ["[b]evil", "a\\u202eb", "(nothing)"] in cells
    assert ["a\\u202eb.jpg", "1.00", "missed", "a\\u202eb"] in cells


def test_confusion_of_many_classes_is_a_list_of_what_was_mistaken(capsys):
    names = [f"class{number}" for number in range(20)]
    print_figures(figures(names, [*names[:18], "class0", None]), 0)
    out = capsys.readouterr().out
    listed = out.partition("Most often taken for another")[2].split("\n\n")[0].splitlines()
    assert sorted(line.split() for line in listed[2:]) == [
        ["class18", "class0", "1"],
        ["class19", "(nothing)", "1"],
    ]
    assert "with mistakes" not in out


def test_comparison_has_each_class_and_the_verdict_last(capsys):
    names = [f"class{number}" for number in range(30)]
    made = Comparison(figures(names, [*names[:10], *[None] * 20]), figures(names, [*names]))
    print_comparison(made, 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("verdict: better: AP50 +0.667, 95 % of resamples +0.")
    assert ["class29", "1", "0.000", "1.000", "+1.000"] in [line.split() for line in lines]
    assert "What is wrong with the most changed of 20 pictures" in lines


@pytest.mark.parametrize(("count", "why"), [(19, "fewer than 20 pictures"), (20, "AP50 +0.000, 95 % of")])
def test_verdict_says_why_nothing_can_be_told(count, why):
    names = [f"class{number}" for number in range(count)]
    one = figures(names, [*names])
    assert verdict_line(Comparison(one, one)).startswith(f"no difference that can be told from chance: {why}")

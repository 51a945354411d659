"""Which pictures are the worst, and how their mistakes are told."""

from __future__ import annotations

from edge.evaluation.figures import tell_mistakes


def test_worst_are_what_was_surest_and_false_or_least_sure_and_true(figures, true, found):
    rows = [
        ([true(0.1)], [found(0.1, 0.9)]),
        ([true(0.1)], [found(0.1, 0.4)]),
        ([], [found(0.1, 0.8)]),
        ([true(0.1)], []),
    ]
    worst = figures(rows).worst(3)
    assert [(one.scene.name, round(one.error, 2)) for one in worst] == [
        ("3.jpg", 1.0),
        ("2.jpg", 0.8),
        ("1.jpg", 0.6),
    ]
    told = ["missed up", "false up 0.80", "missed up (only 0.40 sure)"]
    assert [tell_mistakes(one) for one in worst] == told


def test_mistake_for_another_is_told_once(figures, true, found):
    (seen,) = figures([([true(0.1, "up")], [found(0.1, 0.7, "down")])], ("up", "down")).seen
    assert tell_mistakes(seen) == "down 0.70 for up"


def test_json_has_what_is_wrong_with_a_picture(figures, true):
    said = figures([([true(0.1)], [])]).as_json(1)
    mistake = {"true": "up", "found": None, "confidence": None, "sure_of_the_truth": 0.0}
    assert said["worst"] == [{"picture": "0.jpg", "error": 1.0, "mistakes": [mistake]}]
    assert (said["ap50"], said["confusion"]) == (0.0, [{"true": "up", "found": None, "count": 1}])

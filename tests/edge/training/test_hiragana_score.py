"""What is counted of a classifier's readings."""

from __future__ import annotations

import pytest

from edge.training.hiragana_score import HiraganaScore, Reading, confusion_rows

SCORE = HiraganaScore(
    [
        Reading("kiloji", "う", "う", 0.9),
        Reading("kiloji", "う", "え", 0.6),
        Reading("hanazono", "え", "え", 0.5),
        Reading("hanazono", "え", "お", 0.95),
        Reading("strangers", "other", "あ", 0.8),
        Reading("strangers", "other", "あ", 0.6),
        Reading("strangers", "other", "other", 0.9),
        Reading("strangers", "other", "other", 0.4),
    ],
    threshold=0.7,
)


def test_accuracy_counts_the_best_label_whatever_its_confidence():
    assert [SCORE.accuracy(group) for group in ("all", "written", "printed", "kiloji")] == [0.5] * 4


def test_named_and_misnamed_count_only_what_is_sure_enough():
    assert (SCORE.named(), SCORE.misnamed()) == (0.25, 0.25)


def test_confusion_counts_the_pair_alone():
    assert SCORE.confusion() == 0.25


def test_alarms_count_what_is_reported_of_pictures_without_a_vowel():
    assert SCORE.alarms("strangers") == 0.25


def test_confusion_rows_show_what_was_taken_for_what():
    assert "| う | 0 | 0 | 1 | 1 | 0 | 0 |" in confusion_rows(SCORE)


def test_accuracy_is_not_a_number_when_nothing_was_read():
    assert HiraganaScore([], 0.7).accuracy() != pytest.approx(0)

"""The published rule: words > 1, characters > 5, highest confidence >= 99 of 100."""

from __future__ import annotations

import pytest

from hub.gate.rule import has_text


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ([("OPEN DAILY", 0.99, {})], True),
        ([("OPEN", 0.99, {}), ("DAILY", 0.5, {})], True),
        ([("OPENDAILY", 0.999, {})], False),  # one word
        ([("AB CDE", 0.999, {})], False),  # five characters
        ([("OPEN DAILY", 0.9899, {})], False),
        ([], False),
        ([("OPEN DAILY", 0.99, {"type": "line"}), ("OPENDAILY", 0.99, {"type": "word"})], False),
        ([("OPEN…", 0.99, {"text": "OPEN DAILY"})], True),
    ],
)
def test_rule_says_whether_there_is_text(detections, expected):
    assert has_text(detections) is expected

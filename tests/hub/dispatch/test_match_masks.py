"""Masks of matches: which numbers are in them, and which spans a number lies in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.match_masks import Spans, numbers_in

NUMBERS = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)


@given(numbers=st.sets(st.integers(0, 300)))
def test_mask_holds_the_numbers_it_was_made_of(numbers):
    assert numbers_in(sum(1 << number for number in numbers)) == sorted(numbers)


@given(ends=st.lists(st.tuples(NUMBERS, NUMBERS)), value=NUMBERS)
def test_spans_find_those_that_a_number_lies_in_both_ends_included(ends, value):
    spans = [(min(pair), max(pair)) for pair in ends]

    expected = [number for number, (least, most) in enumerate(spans) if least <= value <= most]
    assert numbers_in(Spans(spans).find(value)) == expected

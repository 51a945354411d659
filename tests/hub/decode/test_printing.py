from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.printing import quote, show


@given(st.text(alphabet=st.characters(codec=None), max_size=50), st.integers(1, 40))
def test_show_is_printable_and_bounded_for_any_text(text: str, limit: int) -> None:
    shown = show(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        pytest.param(10**5000, "an integer of 16610 bits", id="huge"),
        ({"a": 1}, "an object of 1 members"),
        ([1, 2], "an array of 2 items"),
        (True, "True"),
        ("あ\x1b", r"'あ\x1b'"),
        ("x" * 10**6, "'" + "x" * 78 + "…"),
    ],
)
def test_quote_shows_a_value_shortly(value: object, quoted: str) -> None:
    assert quote(value) == quoted

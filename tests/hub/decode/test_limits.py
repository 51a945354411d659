from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.decode.limits import Limits, check_json, json_depth
from hub.errors import PayloadError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\,ab\u00e9'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{"\\'), inner, max_size=3),
)


def nesting(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    return 1 + max(map(nesting, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans())
def test_json_depth_is_the_nesting_of_any_json(value: object, ascii_only: bool) -> None:
    assert json_depth(json.dumps(value, ensure_ascii=ascii_only).encode()) == nesting(value)


@pytest.mark.parametrize("closed", [True, False])
def test_check_json_refuses_one_level_too_many(closed: bool) -> None:
    check_json(b"[" * 32 + b"]" * 32 * closed, Limits())
    with pytest.raises(PayloadError, match="too_deep"):
        check_json(b"[" * 33 + b"]" * 33 * closed, Limits())


def test_check_json_allows_many_brackets_side_by_side_and_in_strings() -> None:
    check_json(json.dumps([{"a": "[[[["}] * 1000).encode(), Limits())


def test_limits_refuse_a_depth_that_the_parser_cannot_follow() -> None:
    with pytest.raises(ValidationError):
        Limits(max_depth=101)

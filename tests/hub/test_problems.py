"""Validation errors become lines that say where, what was found and what is known."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from hub.problems import describe_problems

NOT_INTEGER = "Input should be a valid integer, unable to parse string as an integer"
MEANT = "did you mean 'name'? "
KNOWN = "api_key, channels, inner, name, needed"


class Inner(BaseModel):
    model_config = {"extra": "forbid"}
    depth: int = 1


class Outer(BaseModel):
    model_config = {"extra": "forbid"}
    name: str = "x"
    api_key: int = 1
    channels: list[int] = []
    inner: Inner | None = None
    needed: int = Field(default=...)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "here.needed: is missing"),
        ({"needed": 1, "nmae": 2}, f"here.nmae: unknown setting 'nmae' ({MEANT}known: {KNOWN})"),
        ({"needed": 1, "inner": {"z": 1}}, "here.inner.z: unknown setting 'z' (known: depth)"),
        ({"needed": "a"}, f"here.needed: {NOT_INTEGER}, found 'a'"),
        ({"needed": "a" * 500}, f"here.needed: {NOT_INTEGER}, found text of 500 characters"),
        ({"needed": [1]}, "here.needed: Input should be a valid integer, found a list"),
        ({"needed": 1, "api_key": "hunter2"}, f"here.api_key: {NOT_INTEGER}, found text of 7 characters"),
        ({"needed": 1, "channels": ["t://x"]}, f"here.channels.0: {NOT_INTEGER}, found text of 5 characters"),
    ],
)  # fmt: skip
def test_problem_says_where_and_what(values, line):
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate(values)

    assert describe_problems(raised.value, "here", Outer) == [line]

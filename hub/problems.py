"""Turns validation errors into lines that say where, what was found and what is known."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SECRET = re.compile(r"password|secret|token|key|url|channel", re.IGNORECASE)
MAX_SHOWN_CHARS = 80
_LIST, _TABLE = 'must be a list, such as ["a", "b"]', "must be a table, such as { name = value }"
_IN_TOML = {
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "dataclass_type"), _TABLE),
    "path_type": "must be a path, as text",
}
"""What pydantic says in Python's words."""


def describe_problems(
    error: ValidationError, place: str, model: type[BaseModel], also: Iterable[str] = ()
) -> list[str]:
    """Return one line for each problem, such as `mqtt.port: unknown setting 'prot' (did you mean 'port'?)`.

    Values of settings are not shown where they could be secrets: the text of pydantic's message and the type
    found are. `also` are names known beside the model's own, at its top.
    """
    return [_describe(problem, place, model, also) for problem in error.errors(include_url=False)]


def _describe(problem: ErrorDetails, place: str, model: type[BaseModel], also: Iterable[str]) -> str:
    path = [str(part) for part in problem["loc"]]
    where = ".".join(part for part in (place, *path) if part)
    if problem["type"] == "extra_forbidden":
        known = sorted({*_fields_at(model, path[:-1]), *(also if len(path) == 1 else ())})
        close = difflib.get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{where}: unknown setting {path[-1]!r} ({hint}known: {', '.join(known)})"
    if problem["type"] == "missing":
        return f"{where}: is missing"
    message = _IN_TOML.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}{_found(problem)}"


def _found(problem: ErrorDetails) -> str:
    value = problem["input"]
    if problem["type"] == "value_error" and isinstance(value, (str, dict, list)):
        return ""  # our own words say what is wrong with it; a table is the one that the rule is about
    may_be_secret = _SECRET.search(".".join(str(part) for part in problem["loc"]))
    return f", found {_kind(value) if may_be_secret else _shown(value)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    plain = isinstance(value, float) or (isinstance(value, int) and value.bit_length() < MAX_SHOWN_CHARS)
    if plain or (isinstance(value, str) and len(value) <= MAX_SHOWN_CHARS):
        return repr(value)
    return _kind(value)


def _kind(value: object) -> str:
    """Return what sort of value TOML has there, without the value."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, (dict, list, tuple, set)):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, float)) else f"a {type(value).__name__}"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the settings known at a path, walking through nested models, also optional ones."""
    current: Any = model
    for part in path:
        fields = getattr(current, "model_fields", {})
        current = _model_in(fields[part].annotation) if part in fields else current
    return sorted(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)

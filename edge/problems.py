"""Words for what is wrong in a TOML file, all problems at once."""

from __future__ import annotations

import difflib
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hub.event import DEVICE_PATTERN


def list_problems(file: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return a line for each problem, `file: place: what was found (known: ...)`, without any values."""
    return [
        _describe(file, problem, model) for problem in error.errors(include_url=False, include_input=False)
    ]


def _describe(file: str, problem: Any, model: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = sorted(_table_at(model, problem["loc"][:-1]).model_fields)
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        return f"{file}: {place}: unknown field (known: {', '.join(known)}{meant})"
    if problem["type"] == "missing":
        return f"{file}: {place}: is missing"
    message = _reword(problem)
    return f"{file}: {place}: {message[0].lower()}{message[1:]}" if place else f"{file}: {message}"


def _reword(problem: Any) -> str:
    if problem["type"] == "path_type":
        return "must be a path, in quotes"
    if problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] == DEVICE_PATTERN:
        return "must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
    return str(problem["msg"].removeprefix("Value error, "))


def _table_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    for part in place:
        if isinstance(part, str):  # else it is a number within a list of tables
            kind = model.model_fields[part].annotation
            tables = [t for t in (kind, *get_args(kind)) if isinstance(t, type) and issubclass(t, BaseModel)]
            model = tables[0]
    return model

"""Checks the types of what JSON and other files hold, before it is used."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Mapping
from typing import Any, NoReturn

from hub.dataset.folder import UnreadableError

MOST_CHARS = 200
MOST_ADDRESS_CHARS = 2048  # S3's keys have up to 1024 bytes
MAX_SIDE = 65_535
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, and what UTF-8, YAML or XML 1.0 cannot hold."""
_BRIEF = reprlib.Repr()
_BRIEF.maxlevel = 2
_BRIEF.maxstring = 60


def refuse(what: str, found: object) -> NoReturn:
    """Raise UnreadableError (`value_wrong`) for a value that is not what it must be."""
    raise UnreadableError("value_wrong", f"{what} is {_show(found)}")


def _show(found: object) -> str:
    """Return a value's beginning, at little cost however large it is."""
    try:
        return _BRIEF.repr(found)[:60]
    except ValueError:  # Python's bound for the digits of a number
        return "a number too long"


def parse_json(text: str) -> Any:
    """Return what JSON holds; raises UnreadableError (`not_json`)."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableError("not_json", f"line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not_json", "nested too deep, or a number too long") from error


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a value that must be an object."""
    return value if isinstance(value, dict) else refuse(f"{what} must be an object, and", value)


def items(value: Any, what: str) -> list[Any]:
    """Return a value that must be an array."""
    return value if isinstance(value, list) else refuse(f"{what} must be an array, and", value)


def member(value: Mapping[str, Any], name: str) -> Any:
    """Return a member that must be there."""
    return value[name] if name in value else refuse(f"{name!r} is missing; what there is,", sorted(value))


def number(value: Any, what: str) -> float:
    """Return a number, or the one that a text holds; whether it is finite is for the box to judge."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        refuse(f"{what} must be a number, and", value)
    try:
        return float(value)
    except (ValueError, OverflowError):
        refuse(f"{what} must be a number, and", value)


def whole(value: Any, what: str) -> int:
    """Return a whole number, or the one that a text holds."""
    found = number(value, what)
    if found != found or abs(found) > 2**53 or found != int(found):
        refuse(f"{what} must be a whole number, and", value)
    return int(found)


def side(value: Any, what: str) -> int:
    """Return the length of a picture's side in pixels."""
    found = whole(value, what)
    return found if 1 <= found <= MAX_SIDE else refuse(f"{what} must be 1 to {MAX_SIDE}, and", value)


def name_of(value: Any, what: str, most: int = MOST_CHARS) -> str:
    """Return a text that can be the name of a class or a file."""
    if not isinstance(value, str) or not 0 < len(value) <= most:
        refuse(f"{what} must be a text of 1 to {most} characters, and", value)
    if _UNFIT.search(value):
        refuse(f"{what} has control characters:", value)
    return value

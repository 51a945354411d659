"""Turns what pydantic found wrong with a payload into one error with a stable code."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hub.decode.printing import quote, shorten, show
from hub.errors import PayloadError

_CODES = {
    "missing": "missing_member",
    "finite_number": "not_finite",
    "string_pattern_mismatch": "bad_text",
    "string_unicode": "bad_text",
    "literal_error": "not_allowed",
}
_OWN_CODES = frozenset({"bad_time", "bad_text", "not_finite", "out_of_range", "too_deep"})  # of hub.event
_RANGE_PREFIXES = ("greater_than", "less_than", "too_", "string_too_", "int_parsing_size")
_TIME_PREFIXES = ("datetime_", "timezone_")


def _code(kind: str, found: object) -> str:
    too_long_for_a_float = kind == "float_type" and type(found) is int
    if kind in _OWN_CODES:
        return kind
    if kind.startswith(_RANGE_PREFIXES) or too_long_for_a_float:
        return "out_of_range"
    if kind.startswith(_TIME_PREFIXES) and kind != "datetime_type":
        return "bad_time"
    return _CODES.get(kind, "wrong_type")


def _refuse_json(text: str, payload: bytes) -> PayloadError:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return PayloadError("not_utf8", f"byte {error.start} of the JSON is not UTF-8")
    code = "out_of_range" if "number out of range" in text else "not_json"
    return PayloadError(code, show(f"{text}; found {quote(payload)}"))


def _describe(detail: ErrorDetails) -> str:
    place = ".".join(str(step) for step in detail["loc"]) or "payload"
    found = "" if detail["type"] == "missing" else f"; found {quote(detail['input'])}"
    return show(f"{shorten(place, 100)}: {detail['msg']}{found}")


def refuse(error: ValidationError, payload: bytes = b"") -> PayloadError:
    """Return the error for the first thing wrong with a payload: where, what was expected, what was found.

    Args:
        error: What pydantic raised.
        payload: The JSON it read, to tell `not_utf8` from `not_json`.
    """
    detail = error.errors(include_url=False)[0]
    if detail["type"] == "json_invalid":
        return _refuse_json(detail["msg"], payload)
    more = error.error_count() - 1
    suffix = f" (and {more} more)" if more else ""
    return PayloadError(_code(detail["type"], detail["input"]), _describe(detail) + suffix)

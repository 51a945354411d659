"""Makes what a stranger sent safe to show: control characters escaped, length bounded."""

from __future__ import annotations

MAX_FOUND_CHARS = 80
MAX_REASON_CHARS = 300


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last one an ellipsis where some are left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def show(text: str, limit: int = MAX_REASON_CHARS) -> str:
    """Return text with everything unprintable escaped (NUL as \\x00), at most `limit` characters."""
    start = text[:limit] if len(text) <= limit else text[: limit + 1]
    return shorten("".join(c if c.isprintable() else repr(c)[1:-1] for c in start), limit)


def quote(value: object) -> str:
    """Return how Python writes a decoded JSON value, at most 80 characters."""
    if isinstance(value, (str, bytes)):
        return shorten(repr(value[: MAX_FOUND_CHARS + 1]), MAX_FOUND_CHARS)
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to write out enormous ones
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, dict):
        return f"an object of {len(value)} members"
    if isinstance(value, (list, tuple)):
        return f"an array of {len(value)} items"
    return shorten(repr(value), MAX_FOUND_CHARS)

"""How large and how deep a payload may be, checked on the bytes before anything is parsed."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.errors import PayloadError

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Limits(BaseModel):
    """What a decoder refuses unread. Sizes in bytes, depth in nested arrays and objects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_event_bytes: Annotated[int, Field(ge=1, le=2**28)] = 262_144
    max_depth: Annotated[int, Field(ge=1, le=100)] = 32  # the JSON parser gives up at 200
    max_picture_bytes: Annotated[int, Field(ge=1, le=2**28)] = 8 * 1024 * 1024
    max_picture_pixels: Annotated[int, Field(ge=1, le=2**32)] = 40_000_000


def json_depth(data: bytes) -> int:
    """Return how deeply arrays and objects nest; brackets inside strings do not count.

    In bytes that are not JSON the result is right up to the place where a parser stops.
    """
    if b"\\" in data:
        data = _ESCAPE.sub(b"", data)
    outside_strings = b"".join(data.split(b'"')[::2])
    brackets = outside_strings.translate(None, _NOT_BRACKETS)
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)


def check_json(data: bytes, limits: Limits) -> None:
    """Refuse JSON that is too large or too deep.

    Raises:
        PayloadError: `too_large` or `too_deep`.
    """
    check_size(data, limits)
    # Counting takes 0.1 us and is an upper bound; only what exceeds it is scanned.
    if data.count(b"{") + data.count(b"[") > limits.max_depth and json_depth(data) > limits.max_depth:
        raise PayloadError("too_deep", f"nested {json_depth(data)} levels deep; at most {limits.max_depth}")


def check_size(data: bytes, limits: Limits) -> None:
    """Refuse an event of more than `max_event_bytes` with the code `too_large`."""
    if len(data) > limits.max_event_bytes:
        raise PayloadError(
            "too_large", f"{len(data)} bytes without picture; at most {limits.max_event_bytes}"
        )


def check_text(data: bytes) -> str:
    """Return bytes as text.

    Raises:
        PayloadError: `not_utf8`, or `bad_text` where there is a NUL.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"byte {error.start} is not UTF-8") from error
    if "\x00" in text:
        raise PayloadError("bad_text", f"NUL at character {text.index(chr(0))}")
    return text

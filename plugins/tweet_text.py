"""Fits a text into a tweet: weighs it as X does, and shortens its message part first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MAX_WEIGHT = 280
LINK_WEIGHT = 23
# Code points that count 1; all others, most of CJK and emoji, count 2 (X's text configuration, version 3).
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_LINK = re.compile(r"https?://\S+|\b(?:[\w-]+\.)+[a-z]{2,}\b(?:/\S*)?", re.IGNORECASE)
_HALVES = " \N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}"


def weigh(text: str) -> int:
    """Return the length of a text as X counts it; what only may be a link counts as the longer of both."""
    composed = unicodedata.normalize("NFC", text)
    weight = _weigh_letters(_LINK.sub("", composed))
    for link in (found.group() for found in _LINK.finditer(composed)):
        sure = link.lower().startswith(("http://", "https://"))
        weight += LINK_WEIGHT if sure else max(LINK_WEIGHT, _weigh_letters(link))
    return weight


def _weigh_letters(text: str) -> int:
    return sum(1 if any(low <= ord(c) <= high for low, high in _LIGHT) else 2 for c in text)


def shorten(text: str, fits: Callable[[str], bool]) -> str:
    """Return the text if it fits, or else its longest beginning that does, with an ellipsis."""
    if fits(text):
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(_cut(text, middle)) else (low, middle)
    return _cut(text, low)


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip(_HALVES) + "…" if length else ""


def fit_tweet(render: Callable[[str], str], message: str) -> str:
    """Return `render(message)` within the limit: the message is shortened first, then the whole."""
    short = shorten(message, lambda part: weigh(render(part)) <= MAX_WEIGHT)
    return shorten(render(short), lambda text: weigh(text) <= MAX_WEIGHT)

"""Fits a text into a tweet: weighs it as X does, and shortens its message part first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MAX_WEIGHT = 280
LINK_WEIGHT = 23
# Code points that count 1; all others, most of CJK, count 2 (X's text configuration, version 3).
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_HOST = r"(?:[a-z0-9_-]+\.)+[a-z]{2,}"
_LINK = re.compile(rf"https?://\S+|(?<![a-z0-9_-]){_HOST}(?![a-z0-9])(?:/\S*)?", re.IGNORECASE)
_SURE_LINK = re.compile(rf"https?://{_HOST}(?::[0-9]+)?(?![a-z0-9])(?:[/?#][!-~]*)?", re.IGNORECASE)
_ASKED_LINK = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)
_LINK_MARK = re.compile(r"([.。．｡:])(?=\S)")
_HALVES = " \N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}"
_PICTURE = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    r"\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_ELEMENT = rf"{_PICTURE}[\U0001f3fb-\U0001f3ff\ufe0f]?"
_FLAG, _KEY = r"[\U0001f1e6-\U0001f1ff]{2}", r"[0-9#*]\ufe0f?\u20e3"
# One emoji counts 2, whatever it is put together from: a flag, a key, or up to four joined pictures (UTS 51).
_EMOJI = re.compile(rf"{_FLAG}|{_KEY}|{_ELEMENT}(?:\u200d{_ELEMENT}){{0,3}}")
EMOJI_WEIGHT = 2


def weigh(text: str) -> int:
    """Return the length of a text as X counts it; what only may be a link counts as the longer of both."""
    composed = unicodedata.normalize("NFC", text)
    weight = _weigh_letters(_LINK.sub("", composed))
    for link in (found.group() for found in _LINK.finditer(composed)):
        if sure := _SURE_LINK.match(link):
            weight += LINK_WEIGHT + _weigh_letters(link[sure.end() :])
        else:
            weight += max(LINK_WEIGHT, _weigh_letters(link))
    return weight


def _weigh_letters(text: str) -> int:
    letters, emoji = _EMOJI.subn("", text)
    light = sum(any(low <= ord(letter) <= high for low, high in _LIGHT) for letter in letters)
    return EMOJI_WEIGHT * emoji + 2 * len(letters) - light


def find_link(text: str) -> str | None:
    """Return the first part of a text that asks for a link, by `https://` or `www.`, or None."""
    found = _ASKED_LINK.search(text)
    return found.group() if found else None


def part_links(text: str) -> str:
    """Return a text that looks the same, in which X finds no link."""
    return _LINK.sub(lambda link: _LINK_MARK.sub("\\1\N{ZERO WIDTH SPACE}", link.group()), text)


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
    """Return a beginning of a text that ends between its signs, with an ellipsis."""
    if not length:
        return ""
    for whole in _EMOJI.finditer(text):
        if whole.start() < length < whole.end():
            length = whole.start()
    return text[:length].rstrip(_HALVES) + "…"


def fit_tweet(render: Callable[[str], str], message: str) -> str:
    """Return `render(message)` within the limit: the message is shortened first, then the whole."""
    short = shorten(message, lambda part: weigh(render(part)) <= MAX_WEIGHT)
    return shorten(render(short), lambda text: weigh(text) <= MAX_WEIGHT)

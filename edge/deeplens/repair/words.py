"""Splits source text of any Python into words, so that nothing inside strings or comments is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(
    r"""(?P<string>(?:[bBuUrRfF]{0,2})(?:'''(?:\\.|[^\\])*?'''|\"{3}(?:\\.|[^\\])*?\"{3}"""
    r"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))"""
    r"""|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<space>[ \t\f]+|\\\n)"""
    r"""|(?P<number>\d[\w.]*|\.\d\w*)|(?P<name>\w+)"""
    r"""|(?P<sign><>|>>=?|<<=?|[=!<>]=|\*\*|.)""",
    re.DOTALL,
)


class Word(NamedTuple):
    """A piece of source: a string, comment, newline, space, number, name or sign."""

    kind: str
    text: str


Line = list[Word]


def split_words(source: str) -> list[Word]:
    """Return the words of a source; joined they are the source again."""
    return [Word(found.lastgroup or "sign", found.group()) for found in _WORD.finditer(source)]


def statements(source: str) -> Iterator[Line]:
    """Yield logical lines, each up to and with its newline; brackets and backslashes join lines."""
    line: Line = []
    depth = 0
    for word in split_words(source):
        line.append(word)
        if word.kind == "sign":
            depth += (word.text in "([{") - (word.text in ")]}")
        if word.kind == "newline" and depth <= 0:
            yield line
            line, depth = [], 0
    if line:
        yield line


def text_of(line: Line) -> str:
    """Return the text of words."""
    return "".join(word.text for word in line)


def trim(line: Line) -> Line:
    """Return words without space at both ends."""
    while line and line[0].kind == "space":
        line = line[1:]
    while line and line[-1].kind == "space":
        line = line[:-1]
    return line


def split_at(line: Line, sign: str) -> list[Line]:
    """Split words at a sign outside brackets."""
    parts: list[Line] = [[]]
    depth = 0
    for word in line:
        if word.kind == "sign":
            depth += (word.text in "([{") - (word.text in ")]}")
            if word.text == sign and depth == 0:
                parts.append([])
                continue
        parts[-1].append(word)
    return parts

"""Turns Python 2 statements into Python 3: print, except, raise, exec, backticks, old numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from edge.deeplens.repair.words import Line, Word, split_at, split_words, statements, text_of, trim

Note = Callable[[int, str], object]
SUITES = frozenset({"if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class"})


def expand_tabs(source: str) -> str:
    """Return the source with leading tabs as Python 2 read them: up to the next multiple of eight."""
    lines = []
    for line in statements(source):
        text = text_of(line)
        rest = text.lstrip(" \t")
        lead = text[: len(text) - len(rest)]
        lines.append(lead.expandtabs(8) + rest)
    return "".join(lines)


def translate(source: str, note: Note) -> str:
    """Return Python 3 for what is only Python 2's syntax; told of each change with its line number."""
    prints = "print_function" not in source
    text, number = [], 1
    for line in statements(source):
        told = _Told(note, number)
        text.append(
            "".join(_translate_simple(part, told, prints=prints) for part in _simple_statements(line))
        )
        number += text_of(line).count("\n")
    return "".join(text)


class _Told:
    """A note-taker for one line."""

    def __init__(self, note: Note, number: int) -> None:
        self._note, self._number = note, number

    def __call__(self, what: str) -> None:
        self._note(self._number, what)


def _simple_statements(line: Line) -> Iterator[Line]:
    """Yield pieces that each hold one simple statement, or what stands between two."""
    piece: Line = []
    depth, suite, fresh = 0, False, True
    for word in line:
        if word.kind == "sign":
            depth += (word.text in "([{") - (word.text in ")]}")
        if fresh and word.kind == "name":
            suite, fresh = word.text in SUITES, False
        piece.append(word)
        if word.kind == "sign" and depth == 0 and (word.text == ";" or (word.text == ":" and suite)):
            yield piece
            piece, fresh, suite = [], True, suite and word.text == ";"
    yield piece


def _translate_simple(piece: Line, told: _Told, *, prints: bool) -> str:
    lead, body, tail = _take_apart(piece)
    body = _translate_words(body, told)
    first = body[0].text if body and body[0].kind == "name" else ""
    if first == "print" and prints and _is_statement(body):
        told("print statement")
        return text_of(lead) + _print_call(trim(body[1:])) + text_of(tail)
    if first == "except" and len(parts := split_at(body[1:-1], ",")) == 2 and body[-1].text == ":":
        told("except X, e")
        return f"{text_of(lead)}except{text_of(parts[0])} as {text_of(trim(parts[1]))}:{text_of(tail)}"
    if first == "raise" and len(parts := split_at(body[1:], ",")) >= 2:
        told("raise X, text")
        return f"{text_of(lead)}raise {text_of(trim(parts[0]))}({text_of(trim(parts[1]))}){text_of(tail)}"
    if first == "exec" and _is_statement(body):
        told("exec statement")
        return f"{text_of(lead)}exec({text_of(trim(body[1:]))}){text_of(tail)}"
    return text_of(lead) + text_of(body) + text_of(tail)


def _take_apart(piece: Line) -> tuple[Line, Line, Line]:
    """Split into leading space, the statement, and what follows it (space, `;`, comment, newline)."""
    start, end = 0, len(piece)
    while start < end and piece[start].kind in ("space", "newline", "comment"):
        start += 1
    while end > start and (
        piece[end - 1].kind in ("space", "newline", "comment") or piece[end - 1].text == ";"
    ):
        end -= 1
    return piece[:start], piece[start:end], piece[end:]


def _is_statement(body: Line) -> bool:
    """Whether `print` or `exec` begins a statement here, and is no name that is assigned to."""
    after = trim(body[1:])
    return not after or after[0].text not in ("=", ".", "[", ",")


def _print_call(rest: Line) -> str:
    target = ""
    if rest and rest[0].text == ">>":
        parts = split_at(rest[1:], ",")
        target, rest = text_of(trim(parts[0])), trim(_join(parts[1:]))
    end = ""
    if rest and rest[-1].text == ",":
        rest, end = rest[:-1], "' '"
    options = [text_of(rest)] if rest else []
    options += [f"end={end}"] if end else []
    options += [f"file={target}"] if target else []
    return f"print({', '.join(options)})"


def _join(parts: list[Line]) -> Line:
    joined: Line = []
    for part in parts:
        joined += [*([Word("sign", ",")] if joined else []), *part]
    return joined


def _translate_words(body: Line, told: _Told) -> Line:
    """Change single words: `<>`, `10L`, `0777`, `ur""`, and what stands in backticks."""
    changed, ticks = [], 0
    for word in body:
        text = word.text
        if word.kind == "number":
            text = re.sub(r"(?<=[0-9a-fA-F])[lL]$", "", text)
            text = re.sub(r"^0(?=[0-7]+$)(?!0+$)", "0o", text)
        elif word.kind == "string":
            text = re.sub(r"^[uU][rR]", "r", text)
        elif text == "<>":
            text = "!="
        elif text == "`":
            text, ticks = (")" if ticks % 2 else "repr("), ticks + 1
        if text != word.text:
            told(f"{word.text[:20]} written as {text[:20]}" if word.kind != "string" else "ur string")
        changed.append(Word(word.kind, text))
    return split_words(text_of(changed)) if ticks else changed

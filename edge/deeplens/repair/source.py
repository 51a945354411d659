"""Reads a function's file and returns what Python 3 can run, with what was repaired."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

from edge.deeplens.repair import syntax
from edge.deeplens.repair.tree import hoist_globals, rewrite
from hub.errors import HubError

MAX_SOURCE_BYTES = 4 * 2**20


class SourceError(HubError):
    """A function's file cannot be read as Python, also not after the repairs."""


@dataclass(slots=True)
class Notes:
    """What was repaired in one file, each kind once, with the lines where."""

    file: str
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, line: int, what: str) -> None:
        """Note a repair."""
        self.lines.setdefault(what, []).append(line)

    def texts(self) -> list[str]:
        """Return one text a kind: `loop.py: print statement (lines 3, 17 and 4 more)`."""
        return [f"{self.file}: {what} ({_words(numbers)})" for what, numbers in self.lines.items()]


@dataclass(frozen=True, slots=True)
class Repaired:
    """A file ready to run: its tree, whether it was only Python 2, and the texts of its repairs."""

    tree: ast.Module
    code: CodeType
    python2: bool
    repairs: list[str]


def repair_file(path: Path) -> Repaired:
    """Read a file and repair it in memory.

    Raises:
        SourceError: It cannot be read, or is no Python; the text says where and what.
    """
    notes = Notes(path.name)
    text = _read(path, notes)
    tree, python2 = _parse(path, text, notes)
    original = ast.unparse(tree)
    tree = rewrite(tree, notes.add, python2=python2)
    return Repaired(ast.parse(original), _compile(path, tree, notes), python2, notes.texts())


def _compile(path: Path, tree: ast.Module, notes: Notes) -> CodeType:
    """Return the code of a tree; what parses may still break a rule that Python 2 did not have."""
    try:
        return compile(tree, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        if "global declaration" not in error.msg:
            raise SourceError(_explain(path, error)) from error
    hoist_globals(tree, notes.add)
    try:
        return compile(tree, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise SourceError(_explain(path, error)) from error


def _read(path: Path, notes: Notes) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_SOURCE_BYTES or b"\0" in data:
        raise SourceError(f"{path}: is no Python source (too large, or has NUL bytes)")
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        return data.decode(encoding) + "\n"
    except (SyntaxError, UnicodeDecodeError):
        notes.add(1, "not UTF-8: read as Latin-1")
        return data.decode("latin-1") + "\n"


def _parse(path: Path, text: str, notes: Notes) -> tuple[ast.Module, bool]:
    """Return the tree, and whether the file is Python 2; tried as it is first, then with each repair."""
    if (tree := _try(path, text)) is not None:
        return tree, False
    expanded = syntax.expand_tabs(text)
    tree = _try(path, expanded)
    if tree is not None or _has_tab_trouble(text):
        notes.add(_first_change(text, expanded), "tabs mixed with spaces")
    if tree is not None:
        return tree, True  # Python 3 refuses such tabs
    try:
        return ast.parse(syntax.translate(expanded, notes.add), str(path)), True
    except SyntaxError as error:
        raise SourceError(_explain(path, error)) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"{path}: cannot be read as Python: {error}") from error


def _try(path: Path, text: str) -> ast.Module | None:
    """Return the tree of a text that is Python 3, also in what it means."""
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if any(_prints_oddly(node) for node in ast.walk(tree)) else tree


def _prints_oddly(node: ast.AST) -> bool:
    """Whether a statement such as `print ("%s") % x` parses today but prints before it formats."""
    found: ast.AST | None = node.value if isinstance(node, ast.Expr) else None
    odd = isinstance(found, (ast.BinOp, ast.Tuple))
    while isinstance(found, (ast.BinOp, ast.Tuple)):
        found = found.left if isinstance(found, ast.BinOp) else next(iter(found.elts), None)
    return (
        odd and isinstance(found, ast.Call) and isinstance(found.func, ast.Name) and found.func.id == "print"
    )


def _has_tab_trouble(text: str) -> bool:
    leads = {line[: len(line) - len(line.lstrip(" \t"))] for line in text.splitlines() if line.strip()}
    return any("\t" in lead for lead in leads) and any(" " in lead for lead in leads)


def _first_change(before: str, after: str) -> int:
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return next((number for number, (one, other) in enumerate(pairs, 1) if one != other), 1)


def _explain(path: Path, error: SyntaxError) -> str:
    shown = (error.text or "").strip()[:80]
    advice = "this has no mechanical repair: change the line by hand"
    return f"{path}: line {error.lineno}: {error.msg}: {shown!r} ({advice})"


def _words(numbers: list[int]) -> str:
    numbers = sorted(set(numbers))
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return f"lines {', '.join(map(str, numbers[:3]))}{more}"

"""Where a reviewer's commands come from: single keys of a terminal, or lines of a pipe."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from hub.review.error import ReviewError

ESCAPE, END = b"\x1b", b"\x04"
IGNORED = {ESCAPE, b"\n", b"\r"}
SEQUENCES, LETTERS = {b"[", b"O"}, (b"@", b"~")  # ECMA-48: how they go on, and what ends them
LINE = termios.ICANON | termios.ECHO
QUIT, SKIP = "q", "skip"
MOST_LINE_BYTES = 4096
MOST_LEFT_BYTES = 1 << 20
LOOK_S = 0.3
"""How long a Ctrl-C goes unnoticed at most that comes in the moment before waiting."""


class Commands(Protocol):
    """Where commands come from: a letter, and what follows it."""

    @property
    def interactive(self) -> bool:
        """Whether somebody sits there, who can be asked."""
        ...

    def read(self) -> tuple[str, str]:
        """Return the next command; `q` at the end. Blocks; raises ReviewError for what can be none."""
        ...

    def ask(self, usage: str) -> str:
        """Return what follows a command that was read without it. Blocks."""
        ...

    def count_left(self) -> int:
        """Return how many commands are there already that nobody read; they are gone then."""
        ...


class Lines:
    """One command a line, such as `a`, `l 1 cup` or `skip`; empty lines say nothing."""

    interactive = False

    def read(self) -> tuple[str, str]:
        """Return the next line's command."""
        while data := sys.stdin.buffer.readline(MOST_LINE_BYTES):
            self._refuse_endless(data)
            line = data.decode(errors="replace").strip()
            if line == SKIP:
                return " ", ""
            if line:
                return line[0], line[1:].strip()
        return QUIT, ""

    def _refuse_endless(self, data: bytes) -> None:
        """Raise ReviewError for a line that is too long, once its rest is read: no part of it is one."""
        if len(data) < MOST_LINE_BYTES or data.endswith(b"\n"):
            return
        while data and not data.endswith(b"\n"):
            data = sys.stdin.buffer.readline(MOST_LINE_BYTES)
        raise ReviewError(f"a line of more than {MOST_LINE_BYTES} bytes is no command; ? lists them")

    def ask(self, usage: str) -> str:
        """Refuse: what belongs to a command stands in its line."""
        raise ReviewError(f"not understood; write {usage}")

    def count_left(self) -> int:
        """Return how many lines are there, of a megabyte at most: a pipe may stay open, or never end."""
        if sys.stdin.isatty():
            return 0
        with _not_waiting():
            data: bytes | None = sys.stdin.buffer.read(MOST_LEFT_BYTES)
        return sum(1 for line in (data or b"").splitlines() if line.strip())


class Keys:
    """Single keys, at once; what needs more is asked for in a line."""

    interactive = True

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()

    def read(self) -> tuple[str, str]:
        """Return the key that is pressed next."""
        while (key := self._next()) in IGNORED:
            if key == ESCAPE:
                self._pass_over()
        return (QUIT if key in {b"", END} else key.decode(errors="replace")), ""

    def _next(self) -> bytes:
        self._wait()
        return os.read(self._terminal, 1)

    def _wait(self) -> None:
        while not select.select([self._terminal], [], [], LOOK_S)[0]:
            pass

    def _pass_over(self) -> None:
        """Read the rest of an arrow, or the like, and nothing more."""
        if self._has_more() and os.read(self._terminal, 1) in SEQUENCES:
            while self._has_more() and not LETTERS[0] <= os.read(self._terminal, 1) <= LETTERS[1]:
                pass

    def _has_more(self) -> bool:
        return bool(select.select([self._terminal], [], [], 0.02)[0])

    def ask(self, usage: str) -> str:
        """Ask for the rest of a command; nothing but Enter gives it up."""
        sys.stdout.write(f"{usage}\n> ")
        sys.stdout.flush()
        with _set(self._terminal, LINE):
            self._wait()
            return sys.stdin.readline().strip()

    def count_left(self) -> int:
        """Return none: keys are pressed at what is shown."""
        return 0


@contextmanager
def _not_waiting() -> Iterator[None]:
    """Have standard input, where it is a file or a pipe, give what is there for a while."""
    try:
        given = sys.stdin.fileno()
    except OSError:  # of a test: it is all there
        yield
        return
    before = os.get_blocking(given)
    os.set_blocking(given, False)
    try:
        yield
    finally:
        os.set_blocking(given, before)


@contextmanager
def _set(terminal: int, flags: int) -> Iterator[None]:
    """Have the terminal hand over lines, and show what is typed, as `flags` say, for a while."""
    before = termios.tcgetattr(terminal)
    after = [*before[:3], (before[3] & ~LINE) | flags, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSADRAIN, after)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def open_commands() -> Iterator[Commands]:
    """Open the terminal's keys, or the lines of what is piped in."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        with _set(sys.stdin.fileno(), 0):
            yield Keys()
    else:
        yield Lines()

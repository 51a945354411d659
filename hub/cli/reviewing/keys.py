"""Where a reviewer's commands come from: single keys of a terminal, or lines of a pipe."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from typing import Protocol

ESCAPE, END = b"\x1b", b"\x04"
IGNORED = {ESCAPE, b"\n", b"\r"}
QUIT, SKIP = "q", "skip"
MOST_LINE_BYTES = 4096


class Commands(Protocol):
    """Where commands come from: a letter, and what follows it."""

    @property
    def interactive(self) -> bool:
        """Whether somebody sits there, who can be asked."""
        ...

    def read(self) -> tuple[str, str]:
        """Return the next command; `q` at the end. Blocks."""
        ...

    def ask(self, usage: str) -> str:
        """Return what follows a command that was read without it. Blocks."""
        ...


class Lines:
    """One command a line, such as `a`, `l 1 cup` or `skip`; empty lines say nothing."""

    interactive = False

    def read(self) -> tuple[str, str]:
        """Return the next line's command."""
        while data := sys.stdin.buffer.readline(MOST_LINE_BYTES):
            line = data.decode(errors="replace").strip()
            if line == SKIP:
                return " ", ""
            if line:
                return line[0], line[1:].strip()
        return QUIT, ""

    def ask(self, usage: str) -> str:
        """Return nothing: what belongs to a command stands in its line."""
        return ""


class Keys:
    """Single keys, at once; what needs more is asked for in a line."""

    interactive = True

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()

    def read(self) -> tuple[str, str]:
        """Return the key that is pressed next."""
        before = termios.tcgetattr(self._terminal)
        tty.setcbreak(self._terminal, termios.TCSADRAIN)
        try:
            while (key := os.read(self._terminal, 1)) in IGNORED:
                while key == ESCAPE and select.select([self._terminal], [], [], 0.02)[0]:
                    os.read(self._terminal, 16)  # the rest of an arrow, or the like
        finally:
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, before)
        return (QUIT if key in {b"", END} else key.decode(errors="replace")), ""

    def ask(self, usage: str) -> str:
        """Ask for the rest of a command; nothing but Enter gives it up."""
        sys.stdout.write(f"{usage}\n> ")
        sys.stdout.flush()
        return sys.stdin.readline().strip()


def open_commands() -> Commands:
    """Return the terminal's keys, or the lines of what is piped in."""
    return Keys() if sys.stdin.isatty() and sys.stdout.isatty() else Lines()

"""Who is on the event loop at this moment: a few numbers in a file that is mapped into memory.

Writing there is a store to memory, a few tens of nanoseconds, with no write to the disk; the kernel keeps the
page when the process ends, however it ends. Only a loss of power loses it, and that is no plugin's doing.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

from hub.errors import HubError

FILE_NAME = "on-the-loop"
ON_LOOP, EVENT, STEP, STOPPED = range(4)
CELLS_BYTES = 64
FILE_BYTES = 262_144
"""The cells, and behind them a line for each plugin instance; number 1 is the first line."""


@dataclass(frozen=True, slots=True)
class Found:
    """An instance that was on the loop, and the event it was given; 0 outside of deliveries."""

    name: str
    event_id: int


class Presence:
    """The cells of this run. `cells[ON_LOOP]` is the number of the instance that runs now, 0 for none."""

    def __init__(self, path: Path) -> None:
        with path.open("w+b") as file:
            file.truncate(FILE_BYTES)
            self._map = mmap.mmap(file.fileno(), FILE_BYTES)
        self.cells = memoryview(self._map)[:CELLS_BYTES].cast("Q")
        self._numbers: dict[str, int] = {}
        self._end = CELLS_BYTES

    def number(self, name: str) -> int:
        """Return an instance's number, from 1; raises HubError when there is no room for its name."""
        if name not in self._numbers:
            line = name.encode() + b"\n"
            if self._end + len(line) > FILE_BYTES:
                raise HubError("hub.toml: more plugin instances than the watchdog can tell apart")
            self._map[self._end : self._end + len(line)] = line
            self._end += len(line)
            self._numbers[name] = len(self._numbers) + 1
        return self._numbers[name]

    def find(self) -> Found | None:
        """Return who is on the loop, as another thread sees it, or None for nobody."""
        return _find(self._map[:FILE_BYTES])

    def stop(self) -> None:
        """Note that the hub stops in an orderly way."""
        self.cells[STOPPED] = 1


def find_last(path: Path) -> Found | None:
    """Return who was on the loop when the last run died; None after an orderly end, or when nobody was."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(data) != FILE_BYTES or _cell(data, STOPPED):
        return None
    return _find(data)


def _cell(data: bytes, index: int) -> int:
    return memoryview(data)[:CELLS_BYTES].cast("Q")[index]


def _find(data: bytes) -> Found | None:
    number = _cell(data, ON_LOOP)
    names = data[CELLS_BYTES:].rstrip(b"\0").split(b"\n")
    if not 0 < number < len(names):
        return None
    return Found(names[number - 1].decode(errors="replace"), _cell(data, EVENT))

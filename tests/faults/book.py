"""The generator's own list of what it made and what the spool took, flushed to the disk at each entry.

A `made` entry is written before the append, a `kept` entry after it. So what is `kept` must be in the store
once; what is only `made` was cut by a kill and may be there, once at most.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.spool import Place


@dataclass(frozen=True, slots=True)
class Made:
    """Record number `n` of a device: the event's line and its picture's digest."""

    n: int
    line: str
    digest: str | None


class Book:
    """The list file of one device; made if missing, and a torn last entry is cut off."""

    def __init__(self, path: Path) -> None:
        path.touch()
        whole = path.read_bytes().rpartition(b"\n")
        os.truncate(path, len(whole[0]) + len(whole[1]))
        self._file = path.open("ab", buffering=0)

    def note_made(self, records: Sequence[Made]) -> None:
        """Keep records that are about to be appended."""
        self._write([{"made": made.n, "line": made.line, "digest": made.digest} for made in records])

    def note_kept(self, numbers: Sequence[int], last: Place) -> None:
        """Keep where the spool put records; `last` is the place of the last one."""
        self._write([{"kept": list(numbers), "epoch": last.epoch, "seq": last.seq}])

    def note_end(self) -> None:
        """Keep that nothing more will be made."""
        self._write([{"end": True}])

    def _write(self, entries: Sequence[dict[str, object]]) -> None:
        self._file.write(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
        os.fsync(self._file.fileno())


def read_book(path: Path) -> tuple[dict[int, Made], dict[int, Place]]:
    """Return what was made and where the spool put it, both by number."""
    made: dict[int, Made] = {}
    kept: dict[int, Place] = {}
    for entry in _entries(path):
        if "made" in entry:
            made[entry["made"]] = Made(entry["made"], entry["line"], entry["digest"])
        elif "kept" in entry:
            numbers, last = entry["kept"], entry["seq"]
            for back, n in enumerate(reversed(numbers)):
                kept[n] = Place(entry["epoch"], last - back)
    return made, kept


def _entries(path: Path) -> Iterator[dict]:  # type: ignore[type-arg]
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)

"""Lines that wait on the disk until they are in a batch, so that neither a crash nor a kill loses one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from plugins.folder import flush_folder

OPEN = "waiting.jsonl"
SEALED = "sealed-{:012d}.jsonl"


def _append_flushed(path: Path, lines: Sequence[bytes]) -> None:
    """Append lines, each with a line feed on both sides: what a full disk cut off before stays a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    existed = path.exists()
    with path.open("ab") as file:
        file.write(b"".join(b"\n" + line + b"\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    if not existed:
        flush_folder(path.parent)


class Journal:
    """A folder with one file that grows, and those that were sealed to be worked through.

    A line may be there twice, after a delivery was made again; who reads must not mind.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = asyncio.Lock()
        self._lines: list[bytes] = []
        self._asked = self._written = 0

    async def append(self, line: bytes) -> None:
        """Return once a line is on the disk; lines that wait together share one flush.

        Raises:
            OSError: The disk is full or the folder cannot be written.
        """
        self._lines.append(line)
        self._asked += 1
        mine = self._asked
        async with self._turn:
            if self._written >= mine:
                return
            lines, self._lines = self._lines, []
            try:
                await asyncio.to_thread(_append_flushed, self._folder / OPEN, lines)
            except BaseException:
                self._lines = lines + self._lines  # for who waits behind
                raise
            self._written += len(lines)

    async def seal(self) -> list[Path]:
        """Return the files to be worked through, oldest first; what is appended later is not in them."""
        async with self._turn:
            return await asyncio.to_thread(self._seal)

    def _seal(self) -> list[Path]:
        sealed = self.sealed()
        if (self._folder / OPEN).exists():
            number = int(sealed[-1].stem.split("-")[1]) + 1 if sealed else 1
            path = self._folder / SEALED.format(number)
            (self._folder / OPEN).replace(path)
            flush_folder(self._folder)
            sealed.append(path)
        return sealed

    def sealed(self) -> list[Path]:
        """Return the files that a seal made and nobody has worked through."""
        return sorted(self._folder.glob("sealed-*.jsonl"))

    def files(self) -> list[Path]:
        """Return every file that holds lines."""
        return [*self.sealed(), *(path for path in (self._folder / OPEN,) if path.exists())]

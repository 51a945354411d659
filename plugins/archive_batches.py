"""Records in batches, as compressed JSON Lines by day, for those who query with Athena or DuckDB.

A batch is the records of one day (UTC) in one block of event ids, so its key and its content follow from the
log alone. A flush unites what waits with what is there, by event id: made twice, or again after a crash, it
makes the same object.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from logging import Logger
from pathlib import Path

from hub.errors import DeliveryError
from hub.event import Event
from hub.plugin import DeliverySignal
from plugins.archive_compression import SUFFIXES, Compression, compress, decompress
from plugins.archive_journal import Journal
from plugins.archive_keys import batch_key
from plugins.archive_place import Place

BLOCK = 10_000
"""Event ids in a block. Not a setting: were it changed, an event delivered again would be in two batches."""
MEDIA_TYPES: Mapping[Compression, str] = {"gzip": "application/gzip", "zstd": "application/zstd"}

Lines = dict[int, bytes]


def split_lines(data: bytes) -> Lines:
    """Return {event id: line} of JSON Lines.

    Raises:
        ValueError: A line is no record.
    """
    return {_read_id(line)[0]: line for line in data.split(b"\n") if line}


def _read_id(line: bytes) -> tuple[int, datetime]:
    try:
        record = json.loads(line)
        moment = datetime.fromisoformat(record["captured_at"]).astimezone(UTC)
        return int(record["id"]), moment
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError("a line is no record of an event") from error


def read_batch(data: bytes, how: Compression) -> Lines:
    """Return {event id: line} of a batch's bytes; raises ValueError where it is none."""
    return split_lines(decompress(data, how))


def _unite(lines: Iterable[Lines], how: Compression) -> bytes:
    united: Lines = {}
    for some in lines:
        united |= some
    return compress(b"".join(united[number] + b"\n" for number in sorted(united)), how)


class Batches:
    """The batches of one archive: `add` keeps a record, `flush` brings what was kept to its place."""

    def __init__(
        self, place: Place, journal: Journal, how: Compression, every_s: float, block_log: Logger
    ) -> None:
        self._place = place
        self._journal = journal
        self._how: Compression = how
        self._every_s = every_s
        self._log = block_log
        self._failing = False
        self._flushing = asyncio.Lock()

    async def add(self, line: bytes) -> None:
        """Return once a record is on the disk, so that it will be in its batch; raises OSError."""
        await self._journal.append(line)

    async def run(self) -> None:
        """Flush at the start and every `every_s` seconds until cancelled; what fails is tried again then."""
        while True:
            try:
                await self.flush()
            except (DeliverySignal, DeliveryError, OSError, ValueError) as error:
                if not self._failing:
                    self._log.warning("archive.batches_waiting: %s", error)
                self._failing = True
            else:
                if self._failing:
                    self._log.warning("archive.batches_recovered")
                self._failing = False
            await asyncio.sleep(self._every_s)

    async def flush(self) -> None:
        """Bring everything that waits into its batches.

        Raises:
            RetryLater, DeliveryError, OSError: A batch cannot be read or written; the records of all go on
                waiting.
        """
        async with self._flushing:
            for path in await self._journal.seal():
                for key, lines in (await asyncio.to_thread(self._read, path)).items():
                    await self._write(key, lines)
                await asyncio.to_thread(path.unlink)

    def _read(self, path: Path) -> dict[str, Lines]:
        """Return the lines of a journal's file by the key of their batch, without what a crash cut off."""
        found: dict[str, Lines] = {}
        for line in path.read_bytes().split(b"\n"):
            try:
                number, moment = _read_id(line)
            except ValueError:
                continue  # it never was acknowledged
            found.setdefault(self._key(number, moment), {})[number] = line
        return found

    async def _write(self, key: str, lines: Lines) -> None:
        there = await self._place.read(key)
        try:
            old = await asyncio.to_thread(read_batch, there, self._how) if there is not None else {}
        except ValueError as error:
            raise DeliveryError(f"{key}: {error}; move it away, and its records can be replayed") from error
        if lines.items() <= old.items():
            return
        data = await asyncio.to_thread(_unite, (old, lines), self._how)
        await self._place.replace(key, data, MEDIA_TYPES[self._how])

    def _key(self, event_id: int, captured_at: datetime) -> str:
        return batch_key(event_id, captured_at, BLOCK, SUFFIXES[self._how])

    def key_of(self, event: Event) -> str:
        """Return the one batch that an event belongs into."""
        return self._key(event.id, event.captured_at)

    def waiting(self) -> set[int]:
        """Return the ids of the events that are not in a batch yet. Blocks; call it in a thread."""
        while True:
            try:
                parts = [part for path in self._journal.files() for part in self._read(path).values()]
            except FileNotFoundError:
                continue  # a hub has just sealed or brought in a file: look again
            return {number for part in parts for number in part}

"""Reads events and pictures back from an archive: batches first, then the records that are in none."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from hub.event import Event, Frame
from hub.plugin import Reject
from plugins.archive_batches import read_batch
from plugins.archive_check import compression_of
from plugins.archive_keys import BATCHES, LATEST
from plugins.archive_record import read_record
from plugins.s3_archive import S3Archive

AT_A_TIME = 16
TOGETHER = 256


@dataclass(frozen=True, slots=True)
class Archived:
    """An event as an archive has it: its record's bytes, its frame where that is there and whole."""

    event: Event
    record: bytes
    picture: bytes | None


class Reading:
    """One way through an archive. `problems` are what could not be read, as `key: why`."""

    def __init__(self, archive: S3Archive) -> None:
        self.problems: list[str] = []
        self.total = 0
        self._archive = archive
        self._place = archive.place
        self._limit = asyncio.Semaphore(AT_A_TIME)

    async def read(self) -> AsyncIterator[list[Archived]]:
        """Yield every event once, some at a time; sets `total` to the objects that hold records first."""
        keys = [key async for key, _ in self._place.listed()]
        packed = [key for key in keys if key.startswith(BATCHES) and compression_of(key)]
        alone = {key: None for key in keys if key.endswith(".json") and key != LATEST}
        self.total = len(alone)
        for key in packed:
            lines = list((await self._read_batch(key)).values())
            for start in range(0, len(lines), TOGETHER):
                found = self._parse([(key, line) for line in lines[start : start + TOGETHER]])
                for event, _ in found:
                    alone.pop(self._archive.layout.keys(event).record, None)
                yield await self._with_pictures(found)
        left = list(alone)
        for start in range(0, len(left), TOGETHER):
            read = await asyncio.gather(*(self._read_one(key) for key in left[start : start + TOGETHER]))
            yield await self._with_pictures(self._parse(read, alone=True))

    async def _read_batch(self, key: str) -> dict[int, bytes]:
        how = compression_of(key)
        try:
            return read_batch(await self._place.read(key) or b"", how) if how else {}
        except ValueError as error:
            self.problems.append(f"{key}: {error}")
            return {}

    async def _read_one(self, key: str) -> tuple[str, bytes]:
        async with self._limit:
            return key, await self._place.read(key) or b""

    def _parse(
        self, records: Sequence[tuple[str, bytes]], *, alone: bool = False
    ) -> list[tuple[Event, bytes]]:
        found = []
        for key, record in records:
            try:
                event = read_record(record)
                expected = self._archive.layout.keys(event).record
            except (ValueError, Reject) as error:
                self.problems.append(f"{key}: is no record ({str(error).splitlines()[0]})")
                continue
            if alone and key != expected:
                self.problems.append(
                    f"{key}: is the record of {expected}; are `layout` or `keys` no longer as they were?"
                )
                continue
            found.append((event, record))
        return found

    async def _with_pictures(self, found: Sequence[tuple[Event, bytes]]) -> list[Archived]:
        pictures = await asyncio.gather(*(self._read_picture(event) for event, _ in found))
        return [
            Archived(event, record, picture) for (event, record), picture in zip(found, pictures, strict=True)
        ]

    async def _read_picture(self, event: Event) -> bytes | None:
        if not isinstance(event.frame, Frame):
            return None
        key = self._archive.layout.keys(event).raw
        async with self._limit:
            data = await self._place.read(key)
        if data is None or hashlib.sha256(data).hexdigest() != event.frame.digest:
            self.problems.append(
                f"{key}: {'is missing' if data is None else 'is not the frame of its event'}"
            )
            return None
        return data

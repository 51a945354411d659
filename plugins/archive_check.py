"""Compares an archive with the events that should be in it: missing, differing and strange objects."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.event import Event, Frame
from hub.plugin import Reject
from plugins.archive_batches import read_batch
from plugins.archive_compression import SUFFIXES, Compression
from plugins.archive_keys import BATCHES, LATEST
from plugins.archive_place import Listed
from plugins.archive_record import encode_record, make_record, read_record
from plugins.s3_archive import S3Archive
from plugins.s3_bucket import md5_of

AT_A_TIME = 16
READ_IDS = 500

ReadEvents = Callable[[Sequence[int]], Awaitable[list[Event]]]


@dataclass(slots=True)
class Findings:
    """What was found, as keys; in batches as `key: event 7`. `compared` counts objects."""

    compared: int = 0
    waiting: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether everything that should be there is there as it should be."""
        return not self.missing and not self.differing


class Readable(Protocol):
    """A frame; raises Reject where it is no longer stored."""

    async def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Expected:
    """A stored event, whether its delivery was done before the archive was listed, and its frame."""

    event: Event
    done: bool
    frame: Readable | None


def same_event(data: bytes, event: Event) -> bool:
    """Return whether a record is of this event; where its picture is said to lie does not count."""
    try:
        return read_record(data).model_dump(mode="json") == event.model_dump(mode="json")
    except ValueError:
        return False


class Check:
    """One comparison: `list_all` first, then `compare_batches`, `compare` for all events, and `finish`.

    Args:
        deep: Read every object, rather than trust sizes, MD5s and digests where the store tells them.
    """

    def __init__(self, archive: S3Archive, *, deep: bool = False) -> None:
        self.findings = Findings()
        self._archive = archive
        self._place = archive.place
        self._deep = deep
        self._listed: dict[str, Listed] = {}
        self._batched: set[int] = set()
        self._waiting: set[int] = set()
        self._limit = asyncio.Semaphore(AT_A_TIME)

    async def list_all(self) -> int:
        """Learn what is there; return how many objects."""
        if self._archive.batches is not None:
            self._waiting = await asyncio.to_thread(self._archive.batches.waiting)
        self._listed = {key: item async for key, item in self._place.listed()}
        return len(self._listed)

    async def compare_batches(self, read_events: ReadEvents) -> None:
        """Compare each record of each batch with its event."""
        for key in [key for key in self._listed if key.startswith(BATCHES)]:
            how = compression_of(key)
            if how is None:
                continue  # strange
            del self._listed[key]
            self.findings.compared += 1
            try:
                lines = read_batch(await self._place.read(key) or b"", how)
            except ValueError:
                self.findings.differing.append(key)
                continue
            for start in range(0, len(lines), READ_IDS):
                numbers = list(lines)[start : start + READ_IDS]
                stored = {event.id: event for event in await read_events(numbers)}
                for number in numbers:
                    self._compare_line(f"{key}: event {number}", number, lines[number], stored.get(number))

    def _compare_line(self, name: str, number: int, line: bytes, event: Event | None) -> None:
        if event is None or number in self._batched:
            self.findings.strange.append(name)
        elif not same_event(line, event):
            self.findings.differing.append(name)
        self._batched.add(number)

    async def compare(self, expected: Sequence[Expected]) -> None:
        """Compare the objects of some events."""
        async with asyncio.TaskGroup() as group:
            for one in expected:
                group.create_task(self._compare_one(one))

    async def _compare_one(self, expected: Expected) -> None:
        event = expected.event
        try:
            keys = self._archive.layout.keys(event)
        except (ValueError, Reject):
            return  # it never could be archived, and its delivery says so
        record, raw, boxed = (self._listed.pop(key, None) for key in (keys.record, keys.raw, keys.boxed))
        if not expected.done:
            self.findings.waiting += 1
            return
        async with self._limit:
            link = keys.boxed if boxed else keys.raw
            self._note(keys.record, record, await self._record_differs(keys.record, record, event, link))
            if keys.raw:
                self._note(keys.raw, raw, await self._raw_differs(keys.raw, raw, event, expected.frame))
            if boxed is not None:
                self._note(keys.boxed, boxed, self._deep and await self._changed(keys.boxed))
        self._find_in_batch(event)

    def _note(self, key: str, listed: Listed | None, differs: bool) -> None:
        self.findings.compared += 1
        if listed is None:
            self.findings.missing.append(key)
        elif differs:
            self.findings.differing.append(key)

    def _find_in_batch(self, event: Event) -> None:
        """Note a record that is in no batch, from the first on that is in one."""
        batches = self._archive.batches
        if batches is None or not self._batched or event.id < min(self._batched):
            return
        if event.id not in self._batched and event.id not in self._waiting:
            self.findings.missing.append(f"{batches.key_of(event)}: event {event.id}")

    async def _record_differs(self, key: str, listed: Listed | None, event: Event, link: str) -> bool:
        if listed is None:
            return False
        usual = encode_record(make_record(event, self._place.link(link) if link else None))
        if not self._deep and listed == Listed(len(usual), md5_of(usual)):
            return False
        return not same_event(await self._place.read(key) or b"", event)

    async def _raw_differs(
        self, key: str, listed: Listed | None, event: Event, frame: Readable | None
    ) -> bool:
        if listed is None or not isinstance(event.frame, Frame):
            return False
        if not self._deep and frame is not None:
            try:
                data = await frame.read()
            except Reject:
                data = None  # no longer in the frame store: the archive has the only one
            if data is not None and listed.size != len(data):
                return True
            if data is not None and listed.md5 == md5_of(data):
                return False
        if not self._deep and await self._place.sha256(key) == event.frame.digest:
            return False
        return hashlib.sha256(await self._place.read(key) or b"").hexdigest() != event.frame.digest

    async def _changed(self, key: str) -> bool:
        """Return whether an object's bytes are not those it was written with."""
        data = await self._place.read(key) or b""
        return await self._place.sha256(key) not in {None, hashlib.sha256(data).hexdigest()}

    def finish(self) -> Findings:
        """Count what is left over as strange, and return what was found."""
        self.findings.strange += sorted(key for key in self._listed if key != LATEST)
        for keys in (self.findings.missing, self.findings.differing):
            keys.sort()
        return self.findings


def compression_of(key: str) -> Compression | None:
    """Return how a batch is packed, or None where a key is of no batch."""
    return next((how for how, suffix in SUFFIXES.items() if key.endswith(suffix)), None)

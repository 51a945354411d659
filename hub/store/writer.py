"""The one task that writes: takes what is ready, commits it in one transaction, then tells who waits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from hub.errors import StoreError
from hub.event import Event, Frame
from hub.store import schema
from hub.store.admission import Admission, Admitted, Line, LineKey, lines_of
from hub.store.amendments import find_amended
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.batch import (
    NextIds,
    write_devices,
    write_events,
    write_lines,
    write_plain_state,
    write_settlements,
)
from hub.store.database import open_write_engine
from hub.store.frames import FrameStore
from hub.store.image_links import read_links
from hub.store.known_keys import find_known
from hub.store.link_join import PendingLink
from hub.store.poison import find_poison, is_poison, quarantine_poison
from hub.store.recent import Recent
from hub.store.sessions import open_session, read_recent
from hub.store.settlement import Settlement, Settling
from hub.store.tail import Tail
from hub.store.write_thread import WriteThread
from hub.wire.protocol import Ack

log = logging.getLogger(__name__)
Result = TypeVar("Result")

BATCH_ARRIVALS = 500
BATCH_BYTES = 32 * 1024 * 1024
BACKLOG_ARRIVALS = 4000
BACKLOG_BYTES = 64 * 1024 * 1024
SETTLE_DELAY_S = 0.02  # outcomes wait this long for an event to share its commit with
SIGHTING_S = 1.0
KNOWN_LINES = 10_000
KNOWN_SESSIONS = 16
CLOSING_TRIES = 3
RETRY_S = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class _Change:
    """One small change asked for by somebody who waits for it."""

    work: Callable[[Connection], Any]
    result: asyncio.Future[Any]

    def make(self, connection: Connection) -> Any:
        try:
            return self.work(connection)
        except Exception as error:
            if isinstance(error, DBAPIError) and not is_poison(error):
                raise  # the database is away, for everybody
            raise _ChangeError(self, error) from error


class _ChangeError(Exception):
    """A change cannot be made; it fails for its asker alone."""

    def __init__(self, change: _Change, error: Exception) -> None:
        super().__init__(str(error))
        self.change = change
        self.error = error

    def tell(self) -> None:
        if not self.change.result.done():
            self.change.result.set_exception(self.error)


@dataclass(slots=True)
class _Batch:
    bursts: list[Burst] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    changes: list[_Change] = field(default_factory=list)

    @property
    def arrivals(self) -> list[Arrival]:
        return [arrival for burst in self.bursts for arrival in burst.arrivals]


@dataclass(frozen=True, slots=True)
class _Written:
    """What a batch's transaction has made of it."""

    admission: Admission
    acks: list[Ack | None]
    stored: list[Event]
    ids: NextIds
    results: list[Any]


class Writer:
    """Commits bursts, settlements and changes. Bounded: `await room()` before adding a burst.

    Args:
        thread: Holds the only connection that writes.
        ids: The ids that follow those in the store.
    """

    def __init__(
        self,
        thread: WriteThread,
        frames: FrameStore,
        tail: Tail,
        ids: NextIds,
        skews: dict[str, float],
        recents: dict[str, Recent],
        links: dict[str, PendingLink],
    ) -> None:
        self._thread = thread
        self._frames = frames
        self._tail = tail
        self._ids = ids
        self._skews = skews
        self._recents = recents
        self._links = links
        self._lines: dict[LineKey, Line] = {}
        self._sighted: dict[str, float] = {}
        self._bursts: deque[Burst] = deque()
        self._changes: list[_Change] = []
        self._settling: dict[Settling, None] = {}
        self._waiting = [0, 0]  # arrivals, bytes
        self._unchanged = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, data_dir: Path, frames: FrameStore) -> Writer:
        """Connect and find out where the store stands."""
        thread = WriteThread(open_write_engine(data_dir))
        ids, skews = await thread.attempt(_read_standing)
        recents, links = await thread.attempt(read_recent), await thread.attempt(read_links)
        return cls(thread, frames, Tail(ids.event - 1), ids, skews, recents, links)

    @property
    def tail(self) -> Tail:
        """The newest events."""
        return self._tail

    def has_room(self) -> bool:
        """Whether another burst may be added."""
        return self._waiting[0] < BACKLOG_ARRIVALS and self._waiting[1] < BACKLOG_BYTES

    async def room(self) -> None:
        """Wait until another burst may be added; sources stop reading meanwhile."""
        while not self.has_room():
            self._room.clear()
            await self._room.wait()

    def add(self, burst: Burst) -> None:
        """Take a burst; its `on_committed` is called once everything in it is committed."""
        self._bursts.append(burst)
        self._waiting[0] += len(burst.arrivals)
        self._waiting[1] += burst.size
        self._work.set()

    def settle(self, settling: Settling, *, at_once: bool = False) -> None:
        """Ask for a settlement to be taken with the next commit, or soon if there is none."""
        self._settling[settling] = None
        if at_once:
            self._work.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_DELAY_S, self._settle_now)

    def _settle_now(self) -> None:
        self._timer = None
        self._work.set()

    async def change(self, work: Callable[[Connection], Result]) -> Result:
        """Run a small change inside the next transaction and return its result once committed."""
        change = _Change(work, asyncio.get_running_loop().create_future())
        self._changes.append(change)
        self._work.set()
        result: Result = await change.result
        return result

    async def open_session(self, place: str, *, resumed: bool, counts_up: bool = False) -> str:
        """Return the name of a broker's session, committed before any of its messages is read.

        Args:
            place: The broker and our client id.
            resumed: The broker kept the session since we were last connected.
            counts_up: The broker is known to number messages upwards.
        """
        name = await self.change(partial(open_session, place=place, resumed=resumed))
        self._recents.setdefault(name, Recent()).counts_up = counts_up
        others = [session for session in self._recents if session != name]
        for session in others[:-KNOWN_SESSIONS]:
            del self._recents[session]
        return name

    def change_soon(self, work: Callable[[Connection], Any]) -> None:
        """Run a small change inside the next transaction, for somebody who cannot wait."""
        result = asyncio.get_running_loop().create_future()
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._changes.append(_Change(work, result))
        self._work.set()

    def close(self) -> None:
        """Let the task end after everything already added is committed."""
        self._closing = True
        self._work.set()

    async def run(self) -> None:
        """Write until closed."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while batch := self._take():
                    await self._commit_until_done(batch)
                    await asyncio.sleep(0)  # let dispatch see the events before the next batch
                if self._closing:
                    return
        finally:
            await self._thread.close()

    def _take(self) -> _Batch | None:
        batch = _Batch(changes=self._changes)
        self._changes = []
        arrivals = size = 0
        while self._bursts and arrivals < BATCH_ARRIVALS and size < BATCH_BYTES:
            burst = self._bursts.popleft()
            batch.bursts.append(burst)
            arrivals += len(burst.arrivals)
            size += burst.size
        self._waiting[0] -= arrivals
        self._waiting[1] -= size
        if self.has_room():
            self._room.set()
        settling, self._settling = self._settling, {}
        batch.settlements = [taken for item in settling if (taken := item.take_settlement())]
        return batch if batch.bursts or batch.settlements or batch.changes else None

    async def _commit_until_done(self, batch: _Batch) -> None:
        attempt = 0
        while True:
            try:
                acks = await self._commit(batch)
            except _ChangeError as failed:
                batch.changes.remove(failed.change)
                failed.tell()
            except Exception as error:  # noqa: BLE001 - told apart below; nothing is dropped
                isolated = await self._isolate(batch) if is_poison(error) else None
                if isolated is None:
                    await self._wait_out(attempt, error)
                    attempt += 1
                batch = isolated or batch
            else:
                if attempt:
                    log.warning("store.recovered after %d attempts", attempt)
                self._tell(batch, acks)
                return

    async def _wait_out(self, attempt: int, error: Exception) -> None:
        what = getattr(error, "orig", None) or error
        if self._closing and attempt >= CLOSING_TRIES:
            raise StoreError(
                f"stopped without committing what came last ({what}); agents send it again, and so does the "
                "broker as far as it could keep it"
            )
        if attempt == 0:
            log.error("store.failing: %s; messages stay unacknowledged, trying again until it works", what)
        await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])

    async def _isolate(self, batch: _Batch) -> _Batch | None:
        """Return the batch with the messages that spoil it in quarantine, or None when none are found."""
        try:
            reasons = await self._thread.attempt(partial(self._find_poison, batch))
        except DBAPIError:
            return None  # the database went away meanwhile: the batch is tried again as it is
        if not reasons:
            return None
        log.warning("store.quarantined %d messages that the database refused", len(reasons))
        bursts = [quarantine_poison(burst, reasons) for burst in batch.bursts]
        return _Batch(bursts, batch.settlements, batch.changes)

    def _find_poison(self, batch: _Batch, connection: Connection) -> dict[int, str]:
        admission, _ = self._admit(batch.arrivals, connection)

        def write(admitted: Sequence[Admitted]) -> None:
            try:
                write_events(connection, admitted, self._ids)
            finally:
                connection.rollback()

        return find_poison(admission.admitted, write)

    def _admit(
        self, arrivals: Sequence[Arrival], connection: Connection
    ) -> tuple[Admission, list[Ack | None]]:
        self._learn_lines(lines_of(arrivals), connection)
        admission = Admission(
            self._lines,
            self._skews,
            self._recents,
            self._links,
            find_known(connection, arrivals),
            find_amended(connection, arrivals, self._ids.event),
        )
        acks = [admission.add(arrival) for arrival in arrivals]
        return admission, acks

    def _learn_lines(self, keys: set[LineKey], connection: Connection) -> None:
        table = schema.epochs
        for device, epoch in keys - self._lines.keys():
            found = connection.execute(
                select(table.c.committed, table.c.stale, table.c.early).where(
                    table.c.device == device, table.c.epoch == epoch
                )
            )
            row = found.one_or_none()
            self._lines[(device, epoch)] = Line(*row) if row else Line()

    async def _commit(self, batch: _Batch) -> list[Ack | None]:
        """Write and commit a batch; return the ack due for each arrival."""
        written = await self._thread.transact(partial(self._write, batch))
        self._ids = written.ids
        self._remember(written.admission)
        self._tail.extend(written.stored)
        for change, result in zip(batch.changes, written.results, strict=True):
            if not change.result.done():
                change.result.set_result(result)
        return written.acks

    def _write(self, batch: _Batch, connection: Connection) -> _Written:
        """Make the batch's transaction; runs in the writing thread."""
        admission, acks = self._admit(batch.arrivals, connection)
        self._write_frames(admission)
        stored, ids = write_events(connection, admission.admitted, self._ids)
        write_lines(connection, admission)
        write_devices(connection, admission, self._due_sightings(admission))
        write_plain_state(connection, admission)
        write_settlements(connection, batch.settlements)
        refused = {id(item.arrival): item.error for item in admission.refused}
        for burst in batch.bursts:
            if burst.also is not None:
                burst.also(connection, [refused[id(one)] for one in burst.arrivals if id(one) in refused])
        # An asker that was cancelled meanwhile believes that nothing was done: so be it.
        batch.changes = [change for change in batch.changes if not change.result.cancelled()]
        results = [change.make(connection) for change in batch.changes]
        return _Written(admission, acks, stored, ids, results)

    def _write_frames(self, admission: Admission) -> None:
        self._frames.add_all(
            (item.event.device, item.event.frame, item.picture)
            for item in admission.admitted
            if item.picture is not None and isinstance(item.event.frame, Frame)
        )

    def _due_sightings(self, admission: Admission) -> set[str]:
        now = time.monotonic()
        return {name for name in admission.seen if now - self._sighted.get(name, -SIGHTING_S) >= SIGHTING_S}

    def _remember(self, admission: Admission) -> None:
        now = time.monotonic()
        for name in self._due_sightings(admission):
            self._sighted[name] = now
        self._skews.update(admission.new_skews)
        if len(self._lines) > KNOWN_LINES:
            self._lines.clear()
        self._lines.update(admission.lines)
        for recent in admission.recents.values():
            recent.settle()
        self._recents.update(admission.recents)
        for device, pending in admission.links.news.items():
            if pending is None:
                self._links.pop(device, None)
            else:
                self._links[device] = pending
        if admission.repeats:
            log.info("store.repeats %d messages came again and are stored already", admission.repeats)
        if admission.unchanged:
            self._unchanged += admission.unchanged
            log.debug("store.unchanged %d amendments said nothing new since the start", self._unchanged)

    def _tell(self, batch: _Batch, acks: list[Ack | None]) -> None:
        position = 0
        for burst in batch.bursts:
            own = zip(burst.arrivals, acks[position:], strict=False)
            due = ((arrival.decoded.device or "", ack) for arrival, ack in own if ack)
            burst.on_committed(Receipt(tuple(due)))
            position += len(burst.arrivals)
        for settled in batch.settlements:
            settled.on_committed()


def _read_standing(connection: Connection) -> tuple[NextIds, dict[str, float]]:
    """Return the ids to go on with and each device's clock skew, in seconds."""
    ids = NextIds(_last_id(connection, "events") + 1, _last_id(connection, "messages") + 1)
    rows = connection.execute(select(schema.devices.c.name, schema.devices.c.clock_skew_s))
    return ids, {row.name: row.clock_skew_s for row in rows}


def _last_id(connection: Connection, table: str) -> int:
    """Return the highest id ever given out, also to rows that are gone."""
    given = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table})
    return int(given.scalar() or 0)

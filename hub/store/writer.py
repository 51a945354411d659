"""The one task that writes: takes what is ready, commits it in one transaction, then tells who waits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hub.decode.message import Decoded
from hub.errors import PayloadError, StoreError
from hub.event import Frame
from hub.store import schema
from hub.store.admission import Admission, Admitted, Line, LineKey, lines_of
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.batch import NextIds, write_devices, write_events, write_lines, write_settlements
from hub.store.frames import FrameStore
from hub.store.settlement import Settlement, Settling
from hub.store.tail import Tail
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
CLOSING_TRIES = 3
RETRY_S = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class _Change:
    """One small change asked for by somebody who waits for it."""

    work: Callable[[AsyncConnection], Awaitable[Any]]
    result: asyncio.Future[Any]


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


def _spoils_a_batch(error: Exception) -> bool:
    """Whether the failure comes from what a row holds, not from the disk or the database."""
    if isinstance(error, DBAPIError):
        return isinstance(error, (DataError, IntegrityError, InterfaceError))
    return isinstance(error, (StatementError, OverflowError, ValueError, TypeError))


class Writer:
    """Commits bursts, settlements and changes. Bounded: `await room()` before adding a burst.

    Args:
        connection: The only connection that writes.
        ids: The ids that follow those in the store.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        frames: FrameStore,
        tail: Tail,
        ids: NextIds,
        skews: dict[str, float],
    ) -> None:
        self._connection = connection
        self._frames = frames
        self._tail = tail
        self._ids = ids
        self._skews = skews
        self._lines: dict[LineKey, Line] = {}
        self._sighted: dict[str, float] = {}
        self._bursts: deque[Burst] = deque()
        self._changes: list[_Change] = []
        self._settling: dict[Settling, None] = {}
        self._waiting = [0, 0]  # arrivals, bytes
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        # Of its own: plugins may fill the shared threads with slow disks.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="frames")

    @classmethod
    async def open(cls, engine: AsyncEngine, frames: FrameStore, tail_events: int = 2000) -> Writer:
        """Connect and find out where the store stands."""
        connection = await engine.connect()
        event_id = await _last_id(connection, "events")
        message_id = await _last_id(connection, "messages")
        rows = await connection.execute(select(schema.devices.c.name, schema.devices.c.clock_skew_s))
        skews = {row.name: row.clock_skew_s for row in rows}
        await connection.rollback()
        ids = NextIds(event_id + 1, message_id + 1)
        return cls(connection, frames, Tail(event_id, tail_events), ids, skews)

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

    async def change(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Run a small change inside the next transaction and return its result once committed."""
        change = _Change(work, asyncio.get_running_loop().create_future())
        self._changes.append(change)
        self._work.set()
        result: Result = await change.result
        return result

    def change_soon(self, work: Callable[[AsyncConnection], Awaitable[Any]]) -> None:
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
            self._disk.shutdown(wait=False)
            await self._connection.close()

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
                await self._connection.rollback()
                batch.changes.remove(failed.change)
                failed.tell()
            except Exception as error:  # noqa: BLE001 - told apart below; nothing is dropped
                await self._connection.rollback()
                isolated = await self._isolate(batch) if _spoils_a_batch(error) else None
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
        if self._closing and attempt >= CLOSING_TRIES:
            what = getattr(error, "orig", None) or error
            raise StoreError(
                f"stopped without committing what came last ({what}); agents send it again, and so does the "
                "broker as far as it could keep it"
            )
        if attempt == 0:
            what = getattr(error, "orig", None) or error
            log.error("store.failing: %s; messages stay unacknowledged, trying again until it works", what)
        await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])

    async def _isolate(self, batch: _Batch) -> _Batch | None:
        """Return the batch with the messages that spoil it in quarantine, or None when none are found."""
        try:
            admission, _ = await self._admit(batch.arrivals)
            spoiled = await self._find_spoiled(admission.admitted)
        except DBAPIError:
            return None  # the database went away meanwhile: the batch is tried again as it is
        if not spoiled:
            return None
        log.warning("store.quarantined %d messages that the database refused", len(spoiled))
        bursts = [_quarantine_in(burst, spoiled) for burst in batch.bursts]
        return _Batch(bursts, batch.settlements, batch.changes)

    async def _find_spoiled(self, admitted: Sequence[Admitted]) -> dict[int, str]:
        """Bisect by trial transactions that are rolled back; return the reasons by id() of the arrival."""
        try:
            await write_events(self._connection, admitted, self._ids)
        except Exception as error:
            if not _spoils_a_batch(error):
                raise
            if len(admitted) == 1:
                return {id(admitted[0].arrival): _reason_of(error)}
        else:
            return {}
        finally:
            await self._connection.rollback()
        middle = len(admitted) // 2
        return await self._find_spoiled(admitted[:middle]) | await self._find_spoiled(admitted[middle:])

    async def _admit(self, arrivals: Sequence[Arrival]) -> tuple[Admission, list[Ack | None]]:
        await self._learn_lines(lines_of(arrivals))
        admission = Admission(self._lines, self._skews)
        acks = [admission.add(arrival) for arrival in arrivals]
        return admission, acks

    async def _learn_lines(self, keys: set[LineKey]) -> None:
        table = schema.epochs
        for device, epoch in keys - self._lines.keys():
            found = await self._connection.execute(
                select(table.c.committed, table.c.stale, table.c.early).where(
                    table.c.device == device, table.c.epoch == epoch
                )
            )
            row = found.one_or_none()
            self._lines[(device, epoch)] = Line(*row) if row else Line()

    async def _commit(self, batch: _Batch) -> list[Ack | None]:
        """Write and commit a batch; return the ack due for each arrival."""
        admission, acks = await self._admit(batch.arrivals)
        await self._write_frames(admission)
        stored, ids = await write_events(self._connection, admission.admitted, self._ids)
        await write_lines(self._connection, admission)
        await write_devices(self._connection, admission, self._due_sightings(admission))
        await write_settlements(self._connection, batch.settlements)
        # An asker that was cancelled meanwhile believes that nothing was done: so be it.
        batch.changes = [change for change in batch.changes if not change.result.cancelled()]
        results = [await self._make(change) for change in batch.changes]
        await self._connection.commit()
        self._ids = ids
        self._remember(admission)
        self._tail.extend(stored)
        for change, result in zip(batch.changes, results, strict=True):
            if not change.result.done():
                change.result.set_result(result)
        return acks

    async def _make(self, change: _Change) -> Any:
        try:
            return await change.work(self._connection)
        except Exception as error:
            if isinstance(error, DBAPIError) and not _spoils_a_batch(error):
                raise  # the database is away, for everybody
            raise _ChangeError(change, error) from error

    async def _write_frames(self, admission: Admission) -> None:
        pictures = [
            (item.event.device, item.event.frame, item.picture)
            for item in admission.admitted
            if item.picture is not None and isinstance(item.event.frame, Frame)
        ]
        if pictures:
            await asyncio.get_running_loop().run_in_executor(self._disk, self._frames.add_all, pictures)

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

    def _tell(self, batch: _Batch, acks: list[Ack | None]) -> None:
        position = 0
        for burst in batch.bursts:
            own = zip(burst.arrivals, acks[position:], strict=False)
            due = ((arrival.decoded.device or "", ack) for arrival, ack in own if ack)
            burst.on_committed(Receipt(tuple(due)))
            position += len(burst.arrivals)
        for settled in batch.settlements:
            settled.on_committed()


def _reason_of(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)[:500]


def _quarantine_in(burst: Burst, spoiled: dict[int, str]) -> Burst:
    arrivals = tuple(
        Arrival(arrival.message, _refused_by_database(arrival.decoded, spoiled[id(arrival)]))
        if id(arrival) in spoiled
        else arrival
        for arrival in burst.arrivals
    )
    return Burst(arrivals, burst.on_committed)


def _refused_by_database(decoded: Decoded, reason: str) -> Decoded:
    error = PayloadError("refused_by_database", reason)
    return Decoded(position=decoded.position, device=decoded.device, error=error)


async def _last_id(connection: AsyncConnection, table: str) -> int:
    """Return the highest id ever given out, also to rows that are gone."""
    given = await connection.execute(
        text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table}
    )
    return int(given.scalar() or 0)

"""The spool: numbered records in SQLite that stay until the hub says it has committed them.

Records are numbered 1, 2, 3 ... within a random epoch. Each opening begins a new epoch, so that no number is
ever used twice, whatever was killed or restored from a copy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from edge.spool_clock import SpoolClock, count_boot_seconds
from edge.spool_file import SpoolError, lock, reported, unusable
from edge.spool_limits import AGE_REASON, QUOTA_REASON, Limits
from edge.spool_schema import prepare
from edge.spool_stock import Epoch, Stock
from hub.wire.protocol import Gap

__all__ = ["AGE_REASON", "QUOTA_REASON", "Batch", "Epoch", "Place", "Record", "Spool", "SpoolError"]
QUOTA_BYTES = 2**30
RESERVE_BYTES = 16 * 2**20
FORGOTTEN_REASON = "deleted after an earlier acknowledgement"


class Place(NamedTuple):
    """Where a record stands: number `seq` (from 1) within `epoch`."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Record:
    """One spooled record: an event as one line of JSON, and its picture."""

    seq: int
    line: bytes
    picture: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What comes next in an epoch: first the gaps to announce, then the records to send."""

    gaps: tuple[Gap, ...] = ()
    records: tuple[Record, ...] = ()


class Spool:
    """An open spool. Every method may be called from any thread and may wait for the disk.

    One process at a time: a file beside it, ending in `.lock`, is locked while the spool is open.
    Make one with `Spool.open`.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        path: Path,
        quota_bytes: int,
        lock_file: int,
        clock: SpoolClock,
    ) -> None:
        self.path = path
        self._db, self._lock_file, self._clock = database, lock_file, clock
        self._stock = Stock(database, path)
        self._limits = Limits(self._stock, quota_bytes)
        self._watchers: list[Callable[[], object]] = []
        with self._stock.transaction():
            clock.mend(database)
            self._stock.begin_epoch()

    @classmethod
    def open(
        cls,
        path: Path | str,
        quota_bytes: int = QUOTA_BYTES,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = count_boot_seconds,
    ) -> Self:
        """Open a spool file, made if it is missing, and begin a new epoch.

        Args:
            path: The SQLite file.
            quota_bytes: What its records may take; beyond it pictures are dropped first, oldest first, then
                the oldest records. The newest record always stays.
            clock: Unix seconds; asked once, because a box without a battery learns late what year it is.
            steady: Seconds that only grow, also while the machine sleeps.

        Raises:
            SpoolError: Another agent has it open, or the file cannot be used.
        """
        path = Path(path)
        lock_file = lock(path, "agent.spool")
        try:
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            prepare(database)
            return cls(database, path, quota_bytes, lock_file, SpoolClock(clock, steady))
        except (sqlite3.Error, ValueError) as error:
            os.close(lock_file)
            raise unusable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others open it. A closed spool cannot be used."""
        with self._stock.mutex:
            self._db.close()
            os.close(self._lock_file)

    @property
    def pending(self) -> int:
        """How many numbers, of records and gaps, the hub has not acknowledged."""
        with self._stock.mutex:
            return sum(epoch.next - 1 - epoch.acked for epoch in self._stock.epochs)

    @property
    def used_bytes(self) -> int:
        """About how many bytes the records take."""
        return self._stock.bytes

    @contextmanager
    def watched(self, callback: Callable[[], object]) -> Iterator[None]:
        """Have `callback` called after each append, in the appending thread, within a `with` block."""
        self._watchers.append(callback)
        try:
            yield
        finally:
            self._watchers.remove(callback)

    def append(self, line: bytes, picture: bytes | None = None) -> Place:
        """Keep one record; it is on the disk when this returns. See `append_many`."""
        return self.append_many([(line, picture)])

    def _check_room(self) -> None:
        """Refuse records before the disk is full: deleting what the hub has needs room too."""
        if shutil.disk_usage(self.path.parent).free < RESERVE_BYTES:
            raise SpoolError(f"{self.path}: less than {RESERVE_BYTES // 2**20} MiB free on its disk")

    def append_many(self, records: Iterable[tuple[bytes, bytes | None]]) -> Place:
        """Keep records in one transaction; all are on the disk when this returns.

        Args:
            records: For each an event as one line of JSON, and its picture or None.

        Returns:
            The place of the last one; the others have the numbers before it.

        Raises:
            SpoolError: The disk is full or fails; none was kept.
            ValueError: An event has more than one line; none was kept.
        """
        self._check_room()
        with self._stock.transaction():
            seq = self._stock.add(records, self._clock.now())
            self._limits.keep_quota()
            place = Place(self._stock.epochs[-1].name, seq)
        for callback in tuple(self._watchers):
            callback()
        return place

    def sending(self) -> Epoch:
        """Return the epoch whose records are sent now: the oldest one that is not finished, or the newest."""
        with self._stock.mutex:
            return replace(self._stock.epochs[0])

    def read(self, epoch: str, after: int, limit: int, max_bytes: int) -> Batch:
        """Return what follows number `after` of an epoch: at most `limit` records of `max_bytes` together.

        At least one record is returned if there is one, whatever its size. Numbers that are gone are
        returned as gaps, and then nothing is missing between `after`, the gaps and the records.

        Raises:
            SpoolError: The file cannot be read.
        """
        with self._stock.mutex, reported(self.path):
            found = self._stock.find(epoch)
            if found is None:
                return Batch()
            gaps = tuple(_missing(found, after))
            query = "SELECT seq, line, picture FROM records WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?"
            records: list[Record] = []
            size = 0
            for row in self._db.execute(query, [found.id, after, limit]):
                record = Record(*row)
                size += len(record.line) + len(record.picture or b"")
                if records and size > max_bytes:
                    break
                records.append(record)
        return Batch(gaps, tuple(records))

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Delete an epoch's records up to `seq`, and the epoch when nothing is left and it is not the newest.

        An epoch that is not known, or a number that was acknowledged before, changes nothing.

        Raises:
            SpoolError: The file cannot be written.
        """
        with self._stock.transaction():
            found = self._stock.find(epoch)
            if found is None or seq <= found.acked:
                return
            found.acked = min(seq, found.next - 1)
            self._stock.delete(found, found.acked)
            self._stock.forget_finished()

    def begin_epoch(self) -> None:
        """Number further records from 1 within a new epoch.

        Raises:
            SpoolError: The file cannot be written.
        """
        with self._stock.transaction():
            self._stock.begin_epoch()

    def expire(self, max_picture_age_s: float | None, max_age_s: float | None) -> None:
        """Give up what has waited for too long: pictures first, and then whole records, as gaps.

        Args:
            max_picture_age_s: From what age on a record loses its picture; None for never.
            max_age_s: From what age on a record goes; None for never.

        Raises:
            SpoolError: The file cannot be written.
        """
        if max_age_s is not None:
            with self._stock.transaction():
                self._limits.drop_older(self._clock.now() - max_age_s)
        while max_picture_age_s is not None:
            with self._stock.transaction():
                if not self._limits.strip_older(self._clock.now() - max_picture_age_s):
                    return


def _missing(epoch: Epoch, after: int) -> Iterator[Gap]:
    """Yield the gaps between `after` and the oldest record kept, with the reason for each."""
    if after < min(epoch.acked, epoch.first - 1):
        last = min(epoch.acked, epoch.first - 1)
        yield Gap(epoch=epoch.name, first=after + 1, last=last, reason=FORGOTTEN_REASON)
        after = last
    if after < epoch.first - 1:
        yield Gap(epoch=epoch.name, first=after + 1, last=epoch.first - 1, reason=QUOTA_REASON)

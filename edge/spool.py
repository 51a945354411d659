"""The spool: numbered records in SQLite that stay until the hub says it has committed them.

Records are numbered 1, 2, 3 ... within a random epoch. Each opening begins a new epoch, so that no number is
ever used twice, whatever was killed or restored from a copy.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from edge.fit import strip_picture
from edge.spool_schema import prepare
from hub.errors import HubError
from hub.wire.protocol import Gap

QUOTA_BYTES = 2**30
RESERVE_BYTES = 16 * 2**20
ROW_BYTES = 64  # about what SQLite keeps beside a record's own bytes
EARLIEST_S = 1_577_836_800.0  # 2020: a clock before it was not set yet
EXPIRE_RECORDS = 200  # in one transaction, so that nobody waits long
QUOTA_REASON = "spool quota"
AGE_REASON = "spool age limit"
FORGOTTEN_REASON = "deleted after an earlier acknowledgement"


class SpoolError(HubError):
    """The spool cannot be opened, read or written."""


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


@dataclass(slots=True)
class Epoch:
    """An epoch's oldest number kept, the number of its next record, and the hub's last word on it."""

    id: int
    name: str
    first: int
    next: int
    acked: int

    @property
    def finished(self) -> bool:
        """Whether the hub has everything of it."""
        return self.acked >= self.next - 1


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
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self.path = path
        self._opened_at, self._opened_steady, self._steady = clock(), steady(), steady
        self._db = database
        self._quota_bytes = quota_bytes
        self._lock_file = lock_file
        self._mutex = threading.RLock()
        self._watchers: list[Callable[[], object]] = []
        self._epochs = [Epoch(*row) for row in database.execute("SELECT * FROM epochs ORDER BY id")]
        size = "SELECT coalesce(sum(length(line) + ifnull(length(picture), 0) + ?), 0) FROM records"
        self._bytes: int = database.execute(size, [ROW_BYTES]).fetchone()[0]
        self._mend_times()
        self.begin_epoch()

    @classmethod
    def open(
        cls,
        path: Path | str,
        quota_bytes: int = QUOTA_BYTES,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
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
        lock_file = _lock(path)
        try:
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            prepare(database)
            return cls(database, path, quota_bytes, lock_file, clock, steady)
        except (sqlite3.Error, ValueError) as error:
            os.close(lock_file)
            raise SpoolError(f"{path}: cannot be used: {error} (move it away to begin a new one)") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others open it. A closed spool cannot be used."""
        with self._mutex:
            self._db.close()
            os.close(self._lock_file)

    @property
    def pending(self) -> int:
        """How many numbers, of records and gaps, the hub has not acknowledged."""
        with self._mutex:
            return sum(epoch.next - 1 - epoch.acked for epoch in self._epochs)

    @property
    def used_bytes(self) -> int:
        """About how many bytes the records take."""
        return self._bytes

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
        with self._transaction():
            epoch = self._epochs[-1]
            insert = "INSERT INTO records (epoch, seq, line, picture, spooled_at) VALUES (?, ?, ?, ?, ?)"
            self._db.executemany(insert, self._numbered(records, epoch))
            self._save(epoch)
            self._keep_quota()
            place = Place(epoch.name, epoch.next - 1)
        for callback in tuple(self._watchers):
            callback()
        return place

    def sending(self) -> Epoch:
        """Return the epoch whose records are sent now: the oldest one that is not finished, or the newest."""
        with self._mutex:
            return replace(self._epochs[0])

    def read(self, epoch: str, after: int, limit: int, max_bytes: int) -> Batch:
        """Return what follows number `after` of an epoch: at most `limit` records of `max_bytes` together.

        At least one record is returned if there is one, whatever its size. Numbers that are gone are
        returned as gaps, and then nothing is missing between `after`, the gaps and the records.

        Raises:
            SpoolError: The file cannot be read.
        """
        with self._mutex, _reported(self.path):
            found = self._find(epoch)
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
        with self._transaction():
            found = self._find(epoch)
            if found is None or seq <= found.acked:
                return
            found.acked = min(seq, found.next - 1)
            self._delete(found, found.acked)
            self._forget_finished()

    def begin_epoch(self) -> None:
        """Number further records from 1 within a new epoch.

        Raises:
            SpoolError: The file cannot be written.
        """
        with self._transaction():
            name = secrets.token_hex(8)
            insert = "INSERT INTO epochs (name, first, next, acked) VALUES (?, 1, 1, 0)"
            row = self._db.execute(insert, [name]).lastrowid
            assert row is not None  # noqa: S101 - sqlite3 says None only where nothing was inserted
            self._epochs.append(Epoch(row, name, 1, 1, 0))
            self._forget_finished()

    def expire(self, max_picture_age_s: float | None, max_age_s: float | None) -> None:
        """Give up what has waited for too long: pictures first, and then whole records, as gaps.

        Args:
            max_picture_age_s: From what age on a record loses its picture; None for never.
            max_age_s: From what age on a record goes; None for never.

        Raises:
            SpoolError: The file cannot be written.
        """
        if max_age_s is not None:
            with self._transaction():
                self._drop_older(self._now() - max_age_s)
        while max_picture_age_s is not None:
            with self._transaction():
                if not self._strip_older(self._now() - max_picture_age_s):
                    return

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Change file and memory together, or neither."""
        with self._mutex, _reported(self.path):
            epochs, size = [replace(epoch) for epoch in self._epochs], self._bytes
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._epochs, self._bytes = epochs, size
                raise

    def _numbered(
        self, records: Iterable[tuple[bytes, bytes | None]], epoch: Epoch
    ) -> Iterator[tuple[int, int, bytes, bytes | None, float]]:
        now = self._now()
        for line, picture in records:
            if b"\n" in line:
                raise ValueError("an event must be one line of JSON")
            yield epoch.id, epoch.next, line, picture, now
            epoch.next += 1
            self._bytes += len(line) + len(picture or b"") + ROW_BYTES

    def _find(self, name: str) -> Epoch | None:
        return next((epoch for epoch in self._epochs if epoch.name == name), None)

    def _save(self, epoch: Epoch) -> None:
        update = "UPDATE epochs SET first = ?, next = ?, acked = ? WHERE id = ?"
        self._db.execute(update, [epoch.first, epoch.next, epoch.acked, epoch.id])

    def _delete(self, epoch: Epoch, upto: int) -> None:
        gone = "DELETE FROM records WHERE epoch = ? AND seq <= ?"
        size = " RETURNING length(line) + ifnull(length(picture), 0) + ?"
        self._bytes -= sum(row[0] for row in self._db.execute(gone + size, [epoch.id, upto, ROW_BYTES]))
        epoch.first = max(epoch.first, upto + 1)
        self._save(epoch)

    def _forget_finished(self) -> None:
        for epoch in self._epochs[:-1]:
            if epoch.finished:
                self._db.execute("DELETE FROM epochs WHERE id = ?", [epoch.id])
        self._epochs = [epoch for epoch in self._epochs[:-1] if not epoch.finished] + self._epochs[-1:]

    def _keep_quota(self) -> None:
        while self._bytes > self._quota_bytes:
            if not self._drop_pictures() and not self._drop_records():
                return

    def _drop_pictures(self) -> bool:
        """Drop the oldest pictures as far as needed; return whether there was one."""
        query = "SELECT epoch, seq, line, length(picture) FROM records WHERE picture IS NOT NULL"
        rows = self._db.execute(query + " ORDER BY epoch, seq LIMIT 50").fetchall()
        for row in rows:
            if self._bytes <= self._quota_bytes:
                break
            self._strip(row, QUOTA_REASON)
        return bool(rows)

    def _strip_older(self, before: float) -> bool:
        """Drop some of the pictures from before a time; return whether there was one."""
        query = "SELECT epoch, seq, line, length(picture) FROM records"
        query += " WHERE spooled_at < ? AND picture IS NOT NULL LIMIT ?"
        rows = self._db.execute(query, [before, EXPIRE_RECORDS]).fetchall()
        for row in rows:
            self._strip(row, AGE_REASON)
        return bool(rows)

    def _strip(self, row: tuple[int, int, bytes, int], reason: str) -> None:
        """Drop the picture of a record, given as epoch, number, line and the picture's length."""
        epoch, seq, line, size = row
        short = strip_picture(line, reason)
        update = "UPDATE records SET line = ?, picture = NULL WHERE epoch = ? AND seq = ?"
        self._db.execute(update, [short, epoch, seq])
        self._bytes += len(short) - len(line) - size

    def _drop_older(self, before: float) -> None:
        query = "SELECT epoch, max(seq) FROM records WHERE spooled_at < ? GROUP BY epoch"
        last = dict(self._db.execute(query, [before]).fetchall())
        for epoch in self._epochs:
            if epoch.id in last:
                self._delete(epoch, last[epoch.id])

    def _now(self) -> float:
        return self._opened_at + self._steady() - self._opened_steady

    def _mend_times(self) -> None:
        """Count from now on the age of what a clock that was wrong, then or now, has dated."""
        with self._transaction():
            update = "UPDATE records SET spooled_at = ? WHERE spooled_at > ? OR spooled_at < ?"
            self._db.execute(update, [self._opened_at, self._opened_at, EARLIEST_S])

    def _drop_records(self) -> bool:
        """Drop the oldest records of one epoch as far as needed; return whether there was one to drop."""
        query = "SELECT epoch, seq, length(line) FROM records ORDER BY epoch, seq LIMIT 500"
        rows = self._db.execute(query).fetchall()
        newest = self._epochs[-1]
        epoch, upto, excess = None, 0, self._bytes - self._quota_bytes
        for row, seq, size in rows:
            last_one = (row, seq) == (newest.id, newest.next - 1)
            if excess <= 0 or last_one or row != rows[0][0]:
                break
            epoch, upto, excess = row, seq, excess - size - ROW_BYTES
        for known in self._epochs:
            if known.id == epoch:
                self._delete(known, upto)
        return epoch is not None


def _lock(path: Path) -> int:
    """Return the open, locked file beside the spool."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        path.touch(mode=0o600)  # pictures of people: for nobody else to read
    except OSError as error:
        raise SpoolError(f"{path}: cannot be opened: {error.strerror} (set another agent.spool)") from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock_file)
        raise SpoolError(f"{path}: another agent has this spool open (stop it, or set another)") from error
    return lock_file


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SpoolError(f"{path}: {error} (is the disk full?)") from error


def _missing(epoch: Epoch, after: int) -> Iterator[Gap]:
    """Yield the gaps between `after` and the oldest record kept, with the reason for each."""
    if after < min(epoch.acked, epoch.first - 1):
        last = min(epoch.acked, epoch.first - 1)
        yield Gap(epoch=epoch.name, first=after + 1, last=last, reason=FORGOTTEN_REASON)
        after = last
    if after < epoch.first - 1:
        yield Gap(epoch=epoch.name, first=after + 1, last=epoch.first - 1, reason=QUOTA_REASON)

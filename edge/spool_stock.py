"""The spool's stock: its epochs and records, in the file and in memory, changed together or not at all."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edge.spool_file import ROW_BYTES, reported


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


class Stock:
    """What is in an open spool. `mutex` is held while it is read; what changes it is within a `transaction`.

    Args:
        database: The open file.
        path: Its path, for messages.
    """

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self.database, self.path = database, path
        self.mutex = threading.RLock()
        self.epochs = [Epoch(*row) for row in database.execute("SELECT * FROM epochs ORDER BY id")]
        """Oldest first; the last one is that of new records."""
        size = "SELECT coalesce(sum(length(line) + ifnull(length(picture), 0) + ?), 0) FROM records"
        self.bytes: int = database.execute(size, [ROW_BYTES]).fetchone()[0]
        """About what the records take."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Change file and memory together, or neither."""
        with self.mutex, reported(self.path):
            epochs, size = [replace(epoch) for epoch in self.epochs], self.bytes
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.database.execute("COMMIT")
            except BaseException:
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                self.epochs, self.bytes = epochs, size
                raise

    def add(self, records: Iterable[tuple[bytes, bytes | None]], now: float) -> int:
        """Keep records (line and picture), spooled at `now` (Unix seconds); return the last one's number.

        Raises:
            ValueError: An event has more than one line.
        """
        epoch = self.epochs[-1]
        insert = "INSERT INTO records (epoch, seq, line, picture, spooled_at) VALUES (?, ?, ?, ?, ?)"
        self.database.executemany(insert, self._numbered(records, epoch, now))
        self._save(epoch)
        return epoch.next - 1

    def begin_epoch(self) -> None:
        """Number further records from 1 within a new epoch."""
        name = secrets.token_hex(8)
        insert = "INSERT INTO epochs (name, first, next, acked) VALUES (?, 1, 1, 0)"
        row = self.database.execute(insert, [name]).lastrowid
        assert row is not None  # noqa: S101 - sqlite3 says None only where nothing was inserted
        self.epochs.append(Epoch(row, name, 1, 1, 0))
        self.forget_finished()

    def find(self, name: str) -> Epoch | None:
        """Return the epoch of a name, or None."""
        return next((epoch for epoch in self.epochs if epoch.name == name), None)

    def _save(self, epoch: Epoch) -> None:
        update = "UPDATE epochs SET first = ?, next = ?, acked = ? WHERE id = ?"
        self.database.execute(update, [epoch.first, epoch.next, epoch.acked, epoch.id])

    def delete(self, epoch: Epoch, upto: int) -> None:
        """Delete an epoch's records up to number `upto`."""
        gone = "DELETE FROM records WHERE epoch = ? AND seq <= ?"
        size = " RETURNING length(line) + ifnull(length(picture), 0) + ?"
        self.bytes -= sum(row[0] for row in self.database.execute(gone + size, [epoch.id, upto, ROW_BYTES]))
        epoch.first = max(epoch.first, upto + 1)
        self._save(epoch)

    def forget_finished(self) -> None:
        """Delete the epochs, save for the newest, of which the hub has everything."""
        for epoch in self.epochs[:-1]:
            if epoch.finished:
                self.database.execute("DELETE FROM epochs WHERE id = ?", [epoch.id])
        self.epochs = [epoch for epoch in self.epochs[:-1] if not epoch.finished] + self.epochs[-1:]

    def _numbered(
        self, records: Iterable[tuple[bytes, bytes | None]], epoch: Epoch, now: float
    ) -> Iterator[tuple[int, int, bytes, bytes | None, float]]:
        for line, picture in records:
            if b"\n" in line:
                raise ValueError("an event must be one line of JSON")
            yield epoch.id, epoch.next, line, picture, now
            epoch.next += 1
            self.bytes += len(line) + len(picture or b"") + ROW_BYTES

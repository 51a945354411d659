"""The outbox: raw messages (topic and payload) on the disk until the broker has acknowledged them."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from edge.spool_file import ROW_BYTES, lock, reported, unusable

SCHEMA = """
CREATE TABLE IF NOT EXISTS letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL
)
"""


class Letter(NamedTuple):
    """One message on its way; `id` grows in the order of publishing."""

    id: int
    topic: str
    payload: bytes


class Outbox:
    """An open outbox. Every method may be called from any thread and may wait for the disk.

    One process at a time. Over its quota the oldest letters are thrown away; `dropped` counts them.
    """

    def __init__(self, database: sqlite3.Connection, path: Path, quota_bytes: int, lock_file: int) -> None:
        self.path = path
        self.dropped = 0
        self._db, self._quota_bytes, self._lock_file = database, quota_bytes, lock_file
        self._mutex = threading.Lock()
        size = "SELECT coalesce(sum(length(payload) + length(topic) + ?), 0) FROM letters"
        self._bytes: int = database.execute(size, [ROW_BYTES]).fetchone()[0]

    @classmethod
    def open(cls, path: Path, quota_bytes: int) -> Self:
        """Open an outbox file, made if it is missing.

        Raises:
            SpoolError: Another program has it open, or the file cannot be used.
        """
        lock_file = lock(path, "--spool")
        try:
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")  # what was published survives a power cut
            database.execute(SCHEMA)
            return cls(database, path, quota_bytes, lock_file)
        except sqlite3.Error as error:
            os.close(lock_file)
            raise unusable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mutex:
            self._db.close()
            os.close(self._lock_file)

    @property
    def pending(self) -> int:
        """How many letters it holds."""
        with self._mutex:
            return int(self._db.execute("SELECT count(*) FROM letters").fetchone()[0])

    def append(self, topic: str, payload: bytes) -> None:
        """Keep a message; it is on the disk when this returns.

        Raises:
            SpoolError: The disk is full or fails; it was not kept.
        """
        with self._mutex, reported(self.path):
            self._db.execute("INSERT INTO letters (topic, payload) VALUES (?, ?)", [topic, payload])
            self._bytes += len(payload) + len(topic) + ROW_BYTES
            if self._bytes > self._quota_bytes:
                self._drop_oldest()

    def read(self, after: int, limit: int) -> list[Letter]:
        """Return at most `limit` letters with ids above `after`, oldest first; raises SpoolError."""
        query = "SELECT id, topic, payload FROM letters WHERE id > ? ORDER BY id LIMIT ?"
        with self._mutex, reported(self.path):
            return [Letter(*row) for row in self._db.execute(query, [after, limit])]

    def remove(self, ids: Sequence[int]) -> None:
        """Delete letters that the broker has; raises SpoolError."""
        with self._mutex, reported(self.path):
            self._delete(ids)

    def _delete(self, ids: Sequence[int]) -> None:
        gone = "DELETE FROM letters WHERE id = ? RETURNING length(payload) + length(topic) + ?"
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for number in ids:
                self._bytes -= sum(row[0] for row in self._db.execute(gone, [number, ROW_BYTES]).fetchall())
        finally:
            self._db.execute("COMMIT")

    def _drop_oldest(self) -> None:
        """Make room, leaving the newest letter; a tenth of the quota at once, so that this is rare."""
        query = "SELECT id, length(payload) + length(topic) + ? FROM letters ORDER BY id"
        excess, ids = self._bytes - self._quota_bytes * 9 // 10, []
        for number, size in self._db.execute(query, [ROW_BYTES]).fetchall()[:-1]:
            if excess <= 0:
                break
            ids.append(number)
            excess -= size
        self._delete(ids)
        self.dropped += len(ids)

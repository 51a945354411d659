"""What files that keep things until they are sent have in common: one program at a time, words for errors."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.errors import HubError

ROW_BYTES = 64  # about what SQLite keeps beside a record's own bytes


class SpoolError(HubError):
    """The spool cannot be opened, read or written."""


def lock(path: Path, setting: str) -> int:
    """Return the open, locked file beside the spool; `setting` is where another spool can be set.

    Raises:
        SpoolError: Another program has it open, or it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        path.touch(mode=0o600)  # pictures of people: for nobody else to read
    except OSError as error:
        raise SpoolError(f"{path}: cannot be opened: {error.strerror} (set another {setting})") from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock_file)
        advice = f"stop it, or set another {setting}"
        raise SpoolError(f"{path}: another agent has this spool open ({advice})") from error
    return lock_file


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn errors of the database into SpoolError."""
    try:
        yield
    except sqlite3.Error as error:
        raise SpoolError(f"{path}: {error} (is the disk full?)") from error


def unusable(path: Path, error: Exception) -> SpoolError:
    """Return the error for a file that is no spool, or of a later version."""
    return SpoolError(f"{path}: cannot be used: {error} (move it away to begin a new one)")

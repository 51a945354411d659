"""Reads a picture from a file, whatever else may lie there: not too much of it, and when it was written."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from hub.images.offer import Unreadable

NO_FILE = "is a pipe, a device or the like; only files are read"
_HOW = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # what became a pipe would keep us waiting


def read_file(path: Path, most: int) -> tuple[bytes, datetime]:
    """Return a file's bytes and when it was written. Blocks.

    Raises:
        Unreadable: It is larger than `most` bytes, or no file, or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable("file_unreadable", NO_FILE)
        with os.fdopen(os.open(path, _HOW), "rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(most + 1)
    except OSError as error:
        raise Unreadable("file_unreadable", error.strerror or str(error)) from error
    if len(data) > most:
        raise Unreadable("picture_too_large", f"{status.st_size} bytes; at most {most}")
    return data, moment_of(status.st_mtime)


def moment_of(seconds: float) -> datetime:
    """Return the moment of a file's time; now, where a file system keeps one that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)

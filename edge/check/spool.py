"""Can the spool be opened and written, is there room for it, and has a running agent got it?"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from edge.check.finding import Finding
from edge.spool import RESERVE_BYTES, SpoolError
from edge.spool_schema import VERSION
from edge.spool_status import read_status

if TYPE_CHECKING:
    from edge.config import AgentTable

PART = "spool"
LATE_S = 60.0
MIB = 2**20


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold a spool's lock, so that no agent starts meanwhile; yields False where one may be running.

    Nothing is made: a lock file of another user would keep the agent out for good.
    """
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        yield isinstance(error, (FileNotFoundError, NotADirectoryError))
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(lock)


def check_spool(agent: AgentTable, *, running: bool) -> list[Finding]:
    """Return the findings about a spool's file; it is not changed, and none is made."""
    path = agent.spool
    if not path.exists():
        return [_check_folder(path), *_check_room(agent, 0)]
    try:
        if _find_version(path) < VERSION:
            return [Finding(part=PART, state="ok", text=f"{path} is renewed at the next start")]
        status = read_status(path)
    except SpoolError as error:
        return [_wrong(str(error))]
    kept = f"{status.waiting} not yet with the hub" if status.waiting else "all of it is with the hub"
    found = [
        Finding(part=PART, state="ok", text=f"{path} can be written; {kept}"),
        *_check_room(agent, status.bytes),
    ]
    late = status.oldest_at and datetime.now(UTC) - status.oldest_at > timedelta(seconds=LATE_S)
    if running and late:
        since = f"{status.oldest_at:%Y-%m-%d %H:%M} UTC"
        found.append(_wrong(f"the running agent has sent nothing since {since}; its log says why"))
    return found


def _find_version(path: Path) -> int:
    """Return the version of a spool that can be written; raises SpoolError where it cannot."""
    for file in (path, path.with_name(path.name + ".lock")):
        if file.exists() and not os.access(file, os.R_OK | os.W_OK):
            raise SpoolError(f"{file}: belongs to another user (run this as the agent's user, or chown it)")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=5)) as database:
            version = int(database.execute("PRAGMA user_version").fetchone()[0])
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise SpoolError(f"{path}: cannot be written: {error}") from error
    if version > VERSION:
        raise SpoolError(f"{path}: has version {version}, this program writes version {VERSION}")
    return version


def _check_folder(path: Path) -> Finding:
    folder = _nearest(path)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return _wrong(f"{path}: cannot be made: {folder} is no folder to write to (set another agent.spool)")
    return Finding(part=PART, state="ok", text=f"{path} can be made at the first start")


def _check_room(agent: AgentTable, used: int) -> list[Finding]:
    free = shutil.disk_usage(_nearest(agent.spool)).free
    if free < RESERVE_BYTES:
        return [_wrong(f"{agent.spool}: less than {RESERVE_BYTES // MIB} MiB free on its disk")]
    missing = agent.quota_bytes - used - free
    if missing > 0:
        text = f"its disk has {free // MIB} MiB free, {missing // MIB} MiB too little for agent.quota_bytes"
        return [Finding(part=PART, state="note", text=text)]
    return []


def _nearest(path: Path) -> Path:
    """Return the nearest thing above a path that exists; a folder, if all is right."""
    return next(folder for folder in path.absolute().parents if folder.exists())


def _wrong(text: str) -> Finding:
    return Finding(part=PART, state="wrong", text=text)

"""Tells what is in a spool, also while an agent has it open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from edge.spool import SpoolError
from hub.event import Plain

_QUERY = """
SELECT name, next - 1 - acked, count(seq), count(picture),
    coalesce(sum(length(line) + ifnull(length(picture), 0)), 0), min(nullif(spooled_at, 0))
FROM epochs LEFT JOIN records ON epoch = epochs.id GROUP BY epochs.id ORDER BY epochs.id
"""


class EpochStatus(Plain):
    """An epoch: how many numbers the hub has not acknowledged, and what is kept of them."""

    epoch: str
    waiting: int
    records: int
    pictures: int
    bytes: int
    oldest_at: datetime | None


class SpoolStatus(Plain):
    """A spool: its epochs, oldest first, and their sums. `lost` numbers are gone, and told as gaps."""

    path: Path
    waiting: int
    records: int
    lost: int
    pictures: int
    bytes: int
    oldest_at: datetime | None
    epochs: tuple[EpochStatus, ...]


def read_status(path: Path) -> SpoolStatus:
    """Return what is in the spool at `path`; nothing is changed, and nobody waits.

    Raises:
        SpoolError: It is missing, cannot be read, or was made by another version.
    """
    if not path.is_file():
        raise SpoolError(f"{path}: no such spool (give --config or --spool)")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            epochs = tuple(_read_epoch(*row) for row in database.execute(_QUERY))
    except sqlite3.Error as error:
        raise SpoolError(f"{path}: cannot be read: {error} (is it a spool of this version?)") from error
    waiting, records = (sum(getattr(epoch, name) for epoch in epochs) for name in ("waiting", "records"))
    return SpoolStatus(
        path=path,
        waiting=waiting,
        records=records,
        lost=waiting - records,
        pictures=sum(epoch.pictures for epoch in epochs),
        bytes=sum(epoch.bytes for epoch in epochs),
        oldest_at=min((epoch.oldest_at for epoch in epochs if epoch.oldest_at), default=None),
        epochs=epochs,
    )


def _read_epoch(
    name: str, waiting: int, records: int, pictures: int, size: int, oldest: float | None
) -> EpochStatus:
    oldest_at = None if oldest is None else datetime.fromtimestamp(oldest, UTC)
    return EpochStatus(
        epoch=name, waiting=waiting, records=records, pictures=pictures, bytes=size, oldest_at=oldest_at
    )

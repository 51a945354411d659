"""The spool's tables, and how its SQLite file is opened."""

from __future__ import annotations

import sqlite3

VERSION = 2
BY_AGE = "CREATE INDEX records_by_age ON records (spooled_at, epoch, seq);"
SCHEMA = f"""
BEGIN;
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    first INTEGER NOT NULL, -- the oldest number kept
    next INTEGER NOT NULL,  -- the number of the next record
    acked INTEGER NOT NULL  -- the hub has everything up to this number
);
CREATE TABLE records (
    epoch INTEGER NOT NULL REFERENCES epochs (id),
    seq INTEGER NOT NULL,
    line BLOB NOT NULL,
    picture BLOB,
    spooled_at REAL NOT NULL DEFAULT 0, -- Unix seconds
    PRIMARY KEY (epoch, seq)
);
CREATE INDEX records_with_picture ON records (epoch, seq) WHERE picture IS NOT NULL;
{BY_AGE}
PRAGMA user_version = {VERSION};
COMMIT;
"""
FROM_1 = f"""
BEGIN;
ALTER TABLE records ADD COLUMN spooled_at REAL NOT NULL DEFAULT 0;
{BY_AGE}
PRAGMA user_version = {VERSION};
COMMIT;
"""


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables if there are none, renew those of version 1, and set the spool's durability.

    Raises:
        ValueError: The file was made by a later version.
        sqlite3.Error: It is not a database, or cannot be written.
    """
    database.execute("PRAGMA journal_mode = WAL")
    # with NORMAL a power cut loses what was committed since the last checkpoint
    database.execute("PRAGMA synchronous = FULL")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        database.executescript(SCHEMA)
    elif version == 1:
        database.executescript(FROM_1)
    elif version != VERSION:
        raise ValueError(f"it has version {version}, this program writes version {VERSION}")

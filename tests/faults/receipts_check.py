"""Compares the plugins' receipts with the store: complete, and repeated no more than the windows allow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from stage import WINDOWS, Stage

TABLE = "CREATE TEMP TABLE receipts (event INTEGER, key TEXT)"
MISSING = "SELECT count(*) FROM events WHERE id NOT IN (SELECT event FROM receipts)"
STRANGERS = """
SELECT count(*) FROM receipts r
WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = r.event AND coalesce(e.key, '') = r.key)
"""
REPEATS = "SELECT count(*) - count(DISTINCT event) FROM receipts"
COUNTED = """
SELECT (SELECT done FROM cursors WHERE plugin = :plugin)
     + (SELECT count(*) FROM deliveries WHERE plugin = :plugin AND outcome = 'done')
     - (SELECT count(*) FROM events)
"""
UNDONE = "SELECT count(*) FROM deliveries WHERE plugin = :plugin AND outcome <> 'done'"


def check_receipts(stage: Stage, hub_kills: int) -> dict[str, dict[str, int]]:
    """Return for each plugin what its receipts lack, repeat, or have too much, and the bound on repeats."""
    return {plugin: _check(stage, plugin, window * hub_kills) for plugin, window in WINDOWS.items()}


def _check(stage: Stage, plugin: str, bound: int) -> dict[str, int]:
    with closing(sqlite3.connect(stage.database)) as database:
        database.execute(TABLE)
        with stage.receipts(plugin).open(encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        database.executemany("INSERT INTO receipts VALUES (?, ?)", rows)
        database.execute("CREATE INDEX temp.by_event ON receipts (event)")

        def count(query: str, **values: Any) -> int:
            found: int = database.execute(query, values).fetchone()[0]
            return found

        return {
            "receipts": len(rows),
            "missing": count(MISSING),
            "strangers": count(STRANGERS),
            "repeats": count(REPEATS),
            "repeats_allowed": bound,
            "miscounted": count(COUNTED, plugin=plugin),
            "not_done": count(UNDONE, plugin=plugin),
        }


def complete(receipts: dict[str, dict[str, int]]) -> bool:
    """Whether every plugin has every receipt, repeats within the bound, and the counts right."""
    wrong = ("missing", "strangers", "miscounted", "not_done")
    return all(
        not any(found[name] for name in wrong) and found["repeats"] <= found["repeats_allowed"]
        for found in receipts.values()
    )

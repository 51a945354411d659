"""Compares the numbers that a spool gave with what the hub's store holds of them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from spooled_check import is_whole
from stage import Stage

from edge.spool_status import read_status
from hub.wire.protocol import Position, parse_position

TOPICS = {
    "events": "SELECT m.topic FROM events e JOIN messages m ON m.id = e.message_id ORDER BY e.id",
    "quarantine": "SELECT topic FROM quarantine ORDER BY id",
}
GAPS = "SELECT epoch, first, last FROM gaps WHERE device = ?"
PICTURES = "SELECT frame_digest FROM events WHERE frame_digest IS NOT NULL"
SENT_AGAIN = "SELECT coalesce(sum(stale), 0) FROM epochs"


def check_filmed(stage: Stage, device: str, spool: Path, made: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return counts that tell of the run, and those that all must be 0.

    Args:
        spool: Of an agent that ran once, so that it has one epoch.
        made: How many records the agent says it has spooled.
    """
    with closing(sqlite3.connect(spool)) as database:
        epochs = database.execute("SELECT name, next - 1 FROM epochs").fetchall()
    numbers = {Position(device, epoch, seq) for epoch, last in epochs for seq in range(1, last + 1)}
    with closing(sqlite3.connect(stage.database)) as database:
        found = {name: [row[0] for row in database.execute(query)] for name, query in TOPICS.items()}
        gaps = database.execute(GAPS, [device]).fetchall()
        digests = [row[0] for row in database.execute(PICTURES)]
        sent_again = database.execute(SENT_AGAIN).fetchone()[0]
    stored, quarantined = ([parse_position(topic) for topic in found[name]] for name in TOPICS)
    given_up = {Position(device, epoch, seq) for epoch, first, last in gaps for seq in range(first, last + 1)}
    seen = Counter(stored + quarantined)
    counts = {
        "spooled": len(numbers),
        "stored": len(stored),
        "quarantined": len(quarantined),
        "in_gaps": len(given_up),
        "pictures": len(digests),
        "sent_again_and_not_admitted": sent_again,
    }
    frames = stage.data_dir / "frames"
    faults = {
        "lost": len(numbers - seen.keys() - given_up),
        "twice": sum(seen.values()) - len(seen),
        "out_of_order": sum(one.seq > other.seq for one, other in pairwise(stored) if one and other),
        "strangers": len(seen.keys() - numbers),
        "miscounted": made - len(numbers),
        "left_in_the_spool": read_status(spool).waiting,
        "pictures_missing_or_differing": sum(not is_whole(frames, device, digest) for digest in digests),
    }
    return counts, faults

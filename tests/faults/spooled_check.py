"""Compares what the agents' lists say with what the hub's store holds, by SQL."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from book import read_book
from stage import Stage

LISTED = """
CREATE TEMP TABLE listed (
    device TEXT, n INTEGER, line BLOB, digest TEXT, epoch TEXT, seq INTEGER, PRIMARY KEY (device, n)
);
CREATE TEMP TABLE stored AS
SELECT e.id, e.device, json_extract(e.attributes, '$.n') AS n, e.key, e.captured_at, e.frame_digest,
    e.frame_width, m.payload, m.topic, d.label, d.confidence, d.box_left, d.box_top, d.box_width, d.box_height
FROM events e LEFT JOIN messages m ON m.id = e.message_id
    LEFT JOIN detections d ON d.event_id = e.id AND d.position = 0;
CREATE INDEX temp.by_n ON stored (device, n);
CREATE INDEX temp.by_id ON stored (device, id);
"""
# `kept` is what the spool had committed; a record that is only listed was cut by a kill.
COUNTS = {
    "listed": "SELECT count(*) FROM listed",
    "kept": "SELECT count(*) FROM listed WHERE epoch IS NOT NULL",
    "cut_by_a_kill": "SELECT count(*) FROM listed WHERE epoch IS NULL",
    "stored": "SELECT count(*) FROM events",
    "epochs": "SELECT count(*) FROM epochs",
    "sent_again_and_not_admitted": "SELECT sum(stale) FROM epochs",
    "sent_too_early_and_not_admitted": "SELECT sum(early) FROM epochs",
    "frames": "SELECT count(*) FROM listed WHERE epoch IS NOT NULL AND digest IS NOT NULL",
}
FAULTS = {
    "lost": """
        SELECT count(*) FROM listed l WHERE epoch IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM stored s WHERE s.device = l.device AND s.n = l.n)""",
    "twice": """
        SELECT (SELECT count(*) FROM stored)
            - (SELECT count(*) FROM (SELECT DISTINCT device, n FROM stored))""",
    "out_of_order": """
        SELECT count(*) FROM (SELECT n - lag(n) OVER (PARTITION BY device ORDER BY id) AS step FROM stored)
        WHERE step < 0""",
    "strangers": """
        SELECT count(*) FROM stored s
        WHERE NOT EXISTS (SELECT 1 FROM listed l WHERE l.device = s.device AND l.n = s.n)""",
    "elsewhere": """
        SELECT count(*) FROM stored s JOIN listed l ON l.device = s.device AND l.n = s.n
        WHERE l.epoch IS NOT NULL AND (
            s.key IS NOT 'edge:' || l.device || '/' || l.epoch || '/' || l.seq
            OR s.topic IS NOT 'lenshub/v1/' || l.device || '/events/' || l.epoch || '/' || l.seq)""",
    "differing": """
        SELECT count(*) FROM stored s JOIN listed l ON l.device = s.device AND l.n = s.n
        WHERE s.payload IS NOT l.line OR s.frame_digest IS NOT l.digest
            OR s.captured_at IS NOT replace(replace(json_extract(l.line, '$.captured_at'), 'T', ' '), 'Z', '')
            OR s.label IS NOT json_extract(l.line, '$.detections[0].label')
            OR s.confidence IS NOT json_extract(l.line, '$.detections[0].confidence')
            OR s.box_left IS NOT json_extract(l.line, '$.detections[0].box.left')
            OR s.box_top IS NOT json_extract(l.line, '$.detections[0].box.top')
            OR s.box_width IS NOT json_extract(l.line, '$.detections[0].box.width')
            OR s.box_height IS NOT json_extract(l.line, '$.detections[0].box.height')
            OR s.frame_width IS NOT json_extract(l.line, '$.frame.width')""",
    "detections_too_many": "SELECT (SELECT count(*) FROM detections) - (SELECT count(*) FROM events)",
    "quarantined": "SELECT count(*) FROM quarantine",
    "gaps": "SELECT count(*) FROM gaps",
    "damaged": "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
}
PICTURES = "SELECT device, digest FROM listed WHERE epoch IS NOT NULL AND digest IS NOT NULL"


def check_spooled(stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    """Return counts that tell of the run, and those that all must be 0."""
    with closing(sqlite3.connect(stage.database)) as database:
        database.executescript(LISTED)
        for device in stage.devices:
            _load(database, device, stage.agent_folder(device) / "made.jsonl")
        counts = {name: database.execute(query).fetchone()[0] for name, query in COUNTS.items()}
        faults = {name: database.execute(query).fetchone()[0] for name, query in FAULTS.items()}
        pictures = database.execute(PICTURES).fetchall()
    frames = stage.data_dir / "frames"
    faults["frames_missing_or_differing"] = sum(not is_whole(frames, *found) for found in pictures)
    return counts, faults


def _load(database: sqlite3.Connection, device: str, path: Path) -> None:
    made, kept = read_book(path)
    nowhere = (None, None)
    rows = [(device, n, m.line.encode(), m.digest, *kept.get(n, nowhere)) for n, m in made.items()]
    database.executemany("INSERT INTO listed VALUES (?, ?, ?, ?, ?, ?)", rows)


def is_whole(frames: Path, device: str, digest: str) -> bool:
    """Whether the frame store has a picture, byte for byte."""
    path = frames / device / digest[:2] / f"{digest}.jpg"
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest

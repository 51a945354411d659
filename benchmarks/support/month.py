"""Fills a store with a month of three cameras that differ in days, hours and confidence."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from hub.store import schema
from hub.store.database import open_write_engine, upgrade
from hub.store.row_insert import insert_rows

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 31
AT_A_TIME = 20_000
# Device: its share, the hour (UTC) it is busiest in, and how sure its model is.
DEVICES = {"Chicago01": (0.30, 15, 9.0), "Chicago02": (0.15, 19, 4.0), "Seattle01": (0.55, 17, 7.0)}
LABELS = {"thumbs-up": 0.62, "cup": 0.2, "face": 0.12, "thumbs-down": 0.05, "親指": 0.01}
_EVENT, _DETECTION = insert(schema.events), insert(schema.detections)


def fill(data_dir: Path, count: int, seed: int = 6) -> None:
    """Make a store of `count` events with two detections each, in the order of their times."""
    upgrade(data_dir)
    chance = random.Random(seed)  # noqa: S311 - made-up events
    moments = sorted(_moment(chance) for _ in range(count))
    engine = open_write_engine(data_dir)
    for first in range(0, count, AT_A_TIME):
        numbered = enumerate(moments[first : first + AT_A_TIME], first + 1)
        rows = [_event(chance, number, *moment) for number, moment in numbered]
        seen = [_detection(chance, row, position) for row in rows for position in range(2)]
        with engine.begin() as connection:
            insert_rows(connection, _EVENT, rows)
            insert_rows(connection, _DETECTION, seen)
    engine.dispose()


def _moment(chance: random.Random) -> tuple[datetime, str]:
    """Return when and by whom something is seen: weekends are quiet, nights nearly so."""
    (device,) = chance.choices(list(DEVICES), [share for share, _, _ in DEVICES.values()])
    weights = [0.3 if (BEGIN + timedelta(days=day)).weekday() > 4 else 1.0 for day in range(DAYS)]
    (day,) = chance.choices(range(DAYS), weights)
    hour = chance.gauss(DEVICES[device][1], 2.5) % 24
    return BEGIN + timedelta(days=day, hours=hour), device


def _event(chance: random.Random, number: int, moment: datetime, device: str) -> dict[str, Any]:
    kept = chance.random() < 0.97
    return {
        "id": number,
        "kind": "event",
        "key": f"edge:{device}/0a1b2c3d4e5f6071/{number}",
        "source": "edge",
        "device": device,
        "captured_at": moment,
        "received_at": moment,
        "model_name": "thumbs",
        "model_version": "2",
        "frame_digest": f"{number:064x}" if kept else None,
        "frame_width": 640 if kept else None,
        "frame_height": 480 if kept else None,
        "frame_media_type": "image/jpeg" if kept else None,
        "frame_dropped": None if kept else "spool over quota",
        "attributes": {"input_width": 300, "input_height": 300},
        "message_id": None,
    }


def _detection(chance: random.Random, event: dict[str, Any], position: int) -> dict[str, Any]:
    (label,) = chance.choices(list(LABELS), list(LABELS.values()))
    return {
        "event_id": event["id"],
        "position": position,
        "label": label,
        "confidence": chance.betavariate(DEVICES[event["device"]][2], 1.5),
        "box_left": 0.1,
        "box_top": 0.2,
        "box_width": 0.3,
        "box_height": 0.4,
        "class_id": 0,
        "track": None,
        "attributes": {},
    }

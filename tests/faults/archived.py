"""A leg around effects: every event is archived to S3, and the hub is killed while it uploads.

The bucket must hold the objects of every event, each written once and with the right bytes, and no others.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from effects import SPARE, Run, run_around
from plan import Plan
from slow_s3 import BUCKET, SlowS3

from hub.event import Event, Frame
from hub.store.database import open_engine
from hub.store.log import EventLog
from plugins.archive_keys import LATEST, KeyTemplates
from plugins.archive_record import read_record
from plugins.s3_archive import _draw

PLUGIN = f"""
[plugins.archive]
use = "s3-archive"
start = "beginning"
bucket = "{BUCKET}"
endpoint_url = "{{url}}"
region = "us-east-1"
concurrency = 8
attempts = 1000
"""
WIDTH, HEIGHT = 160, 90


def make_picture(number: int) -> tuple[bytes, Frame]:
    """Return a JPEG unlike those of other numbers, and its description."""
    noise = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    data = bytes(cv2.imencode(".jpg", noise)[1])
    digest = hashlib.sha256(data).hexdigest()
    return data, Frame(digest=digest, width=WIDTH, height=HEIGHT, media_type="image/jpeg")


def run_archived(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    s3 = SlowS3()
    pictures = [make_picture(number) for number in range(plan.events + SPARE)]
    run = run_around(folder, plan, s3, "archive", PLUGIN, pictures)
    events = asyncio.run(_read_events(run))
    faults = _compare(s3, events, {frame.digest: data for data, frame in pictures})
    faults["not_done"] = len(run.outcomes) - len(run.with_outcome("done"))
    return {
        "passed": run.passed(plan) and not any(faults.values()),
        "kills": run.killing.counts(),
        "events": len(events),
        "objects": len(s3.found),
        **faults,
        "kill_log": run.killing.log(),
    }


async def _read_events(run: Run) -> list[Event]:
    engine = open_engine(run.stage.data_dir)
    try:
        return await EventLog(engine).after(0, len(run.outcomes))
    finally:
        await engine.dispose()


def _compare(s3: SlowS3, events: list[Event], pictures: Mapping[str, bytes]) -> dict[str, int]:
    """Return how many objects are missing, differ from what they should be, or should not be."""
    layout, found = KeyTemplates().complete("published"), dict(s3.found)
    latest = found.pop(LATEST, b"")
    expected: dict[str, bytes] = {}
    records: dict[str, Event] = {}
    for event in events:
        assert isinstance(event.frame, Frame)
        keys, data = layout.keys(event), pictures[event.frame.digest]
        expected |= {keys.raw: data, keys.boxed: _draw(data, event) or b""}
        records[keys.record] = event
    there = found.keys()
    differing = [key for key in expected.keys() & there if found[key] != expected[key]]
    differing += [key for key in records.keys() & there if read_record(found[key]) != records[key]]
    return {
        "missing": len((expected.keys() | records.keys()) - there),
        "strange": len(there - expected.keys() - records.keys()),
        "differing": len(differing),
        "written_twice": sum(count > 1 for key, count in s3.written.items() if key != LATEST),
        "latest_is_not_the_last": int(not latest or read_record(latest) != events[-1]),
    }

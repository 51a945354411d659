"""A burst through a real hub that is killed amid it: what is captured is counted exactly."""

from __future__ import annotations

import hashlib
from typing import Any

import cv2
import numpy as np
import pytest

TABLE = """
[plugins.retraining]
concurrency = 8
threshold = 0.5
near_threshold = {{ band = 0.1 }}
limits = {{ day = 20 }}
device_limits = {{ hour = 12 }}
label_limits = {{ day = 11 }}
{more}
"""
BOX = {"left": 0.2, "top": 0.2, "width": 0.4, "height": 0.4}


def paint(seed: int) -> bytes:
    cells = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(cells, (160, 90), interpolation=cv2.INTER_CUBIC))[1].tobytes()


def send(sender: Any, seed: int, label: str, confidence: float) -> int:
    """Send a record with a picture; each seed is another one."""
    data = paint(seed)
    digest = hashlib.sha256(data).hexdigest()
    frame = {"digest": digest, "width": 160, "height": 90, "media_type": "image/jpeg"}
    seen = [{"label": label, "confidence": confidence, "box": BOX}]
    return int(sender.record(sender.say(frame=frame, detections=seen) + b"\n" + data))


def burst(sender: Any, label: str, first: int) -> int:
    """Send 20 events worth a look, 10 with the picture of the first one, 20 of no interest, mixed."""
    last = 0
    for number in range(50):
        worth, again = number % 5 < 2, number % 5 == 2
        last = send(sender, first if again else first + number, label, 0.52 if worth or again else 0.93)
    return last


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", 'isolation = "process"'], ids=["in the hub", "in a process"])
async def test_burst_is_captured_up_to_its_limits_also_when_the_hub_is_killed_amid_it(
    hub: Any, device: Any, wait_until: Any, more: str
) -> None:
    hub.configure(TABLE.format(more=more))
    hub.start()
    async with device("porch") as porch, device("door") as door:
        ends = burst(porch, "cup", 1000), burst(door, "dog", 2000)
        await porch.acked(ends[0])
        await door.acked(ends[1])
    await wait_until(lambda: hub.count("captures") >= 3)
    hub.kill()
    hub.start()
    await wait_until(lambda: hub.sql("SELECT position FROM cursors WHERE plugin = 'retraining'") == [(100,)])
    await wait_until(lambda: not hub.sql("SELECT 1 FROM deliveries WHERE outcome IN ('retrying', 'running')"))

    rows = dict(hub.sql("SELECT outcome, COUNT(*) FROM deliveries GROUP BY outcome"))
    assert (hub.count("captures"), rows) == (20, {"done": 20, "skipped": 80})
    of_labels = dict(hub.sql("SELECT label, COUNT(*) FROM captures GROUP BY label"))
    assert sum(of_labels.values()) == 20
    assert max(of_labels.values()) <= 11
    reasons = [reason for (reason,) in hub.sql("SELECT reason FROM deliveries WHERE outcome = 'skipped'")]
    assert reasons.count("no strategy wants it") == 40
    assert all(
        reason.startswith("near_threshold wanted it; ") for reason in set(reasons) - {"no strategy wants it"}
    )
    folder = hub.folder / "data/training"
    assert len(list((folder / "training_annotation").glob("*.json"))) == 20
    assert len(list((folder / "provenance").glob("*.json"))) == 20

    (used_up,) = hub.sql("SELECT MAX(event_id) FROM deliveries WHERE reason LIKE '%used up%'")[0]
    (told,) = hub.json("explain", str(used_up))["deliveries"]
    assert told["reason"].startswith("near_threshold wanted it; ")
    assert " is used up: " in told["reason"]

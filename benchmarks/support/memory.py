"""How much memory the hub takes with its built-in plugins, and whether a burst makes it grow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from support.broker import mosquitto
from support.hub_process import HubProcess, database_of, dispatched, running_hub, stored, write_settings
from support.publisher import LABEL, Publisher

SHARES = (0.25, 0.5, 0.75, 1.0)
# The first two would write a file or more for each of the burst's events; they see them all and want none.
BUILT_IN = f"""
[plugins.s3-archive]
folder = "archive"
match = {{ labels = ["not-in-the-burst"] }}
[plugins.retraining]
folder = "training"
match = {{ labels = ["not-in-the-burst"] }}
[plugins.threshold-alerts]
labels = ["{LABEL}"]
min_confidence = 0.8
cooldown_s = 300
[plugins.tweet]
match = {{ labels = ["{LABEL}"], min_confidence = 0.9 }}
"""


@dataclass(frozen=True)
class Memory:
    """Resident MB: after start, when a share of the burst was stored, when all was delivered, the peak."""

    sent: int
    stored: int
    seconds: float
    started_mb: float
    stored_mb: Sequence[tuple[float, float]]
    delivered_mb: float
    peak_mb: float


def measure_memory(folder: Path, burst: int) -> Memory:
    """Let a burst come as fast as the broker takes it, and watch the hub work through it."""
    folder.mkdir()
    with mosquitto(folder / "broker") as port:
        write_settings(folder, port, BUILT_IN)
        with running_hub(folder) as hub, Publisher(port) as publisher, ThreadPoolExecutor(1) as thread:
            hub.wait_until_connected()
            started_mb, begin = hub.memory_mb("VmRSS"), time.monotonic()
            publishing = thread.submit(publisher.publish, burst)
            stored_mb, rows = _watch(hub, folder, burst)
            publishing.result()
            seconds = time.monotonic() - begin
            delivered_mb, peak_mb = hub.memory_mb("VmRSS"), hub.memory_mb("VmHWM")
    return Memory(publisher.acknowledged, rows, seconds, started_mb, stored_mb, delivered_mb, peak_mb)


def _watch(hub: HubProcess, folder: Path, burst: int) -> tuple[list[tuple[float, float]], int]:
    """Return (share, MB) as the burst is stored, once it is delivered too; and how many rows that made."""
    stored_mb = []
    with database_of(folder) as ask:
        for share in SHARES:
            hub.wait_until(stored(ask, int(burst * share)))
            stored_mb.append((share, hub.memory_mb("VmRSS")))
        hub.wait_until(dispatched(ask, burst))
        return stored_mb, ask("SELECT count(*) FROM events")

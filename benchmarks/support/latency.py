"""How long an event takes from leaving its device to a plugin: received, committed, dispatched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from support.broker import mosquitto
from support.hub_process import STOPWATCH_AND_NOOPS, database_of, dispatched, running_hub, write_settings
from support.publisher import Publisher

WARM_UP_MESSAGES = 50


@dataclass(frozen=True)
class Latency:
    """Milliseconds at one rate; `sent`, `stored` and `measured` are counts of messages."""

    rate_per_s: int
    sent: int
    stored: int
    measured: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def measure_latency(folder: Path, rate_per_s: int, seconds: float) -> Latency:
    """Publish at an even rate to a hub with four plugins, one of which holds the stopwatch."""
    folder.mkdir()
    with mosquitto(folder / "broker") as port:
        write_settings(folder, port, STOPWATCH_AND_NOOPS)
        with running_hub(folder) as hub, Publisher(port) as publisher:
            hub.wait_until_connected()
            publisher.publish(WARM_UP_MESSAGES)
            sent = publisher.publish_at(rate_per_s, seconds)
            with database_of(folder) as ask:
                hub.wait_until(dispatched(ask, WARM_UP_MESSAGES + sent))
                stored = ask("SELECT count(*) FROM events") - WARM_UP_MESSAGES
    noted = json.loads((folder / "data" / "latencies.json").read_text())[WARM_UP_MESSAGES:]
    ms = sorted(1000 * seconds for seconds in noted)
    return Latency(rate_per_s, sent, stored, len(ms), _at(ms, 0.5), _at(ms, 0.99), ms[-1])


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

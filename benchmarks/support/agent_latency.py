"""How long it takes from the moment a frame was taken until the hub has committed it with its picture."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.agent_process import running_agent, write_clip
from support.broker import mosquitto
from support.hub_process import database_of, running_hub, write_settings

WARM_UP_S = 2.0
DEADLINE_S = 600.0
LOOK_S = 0.0005


@dataclass(frozen=True)
class FrameLatency:
    """Milliseconds from frame to commit at a camera's rate, for so many events; memory in MB."""

    fps: float
    events: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    agent_peak_mb: float


def measure_frame_latency(folder: Path, fps: float, seconds: float) -> FrameLatency:
    """Have an agent play a clip at a camera's rate, every frame an event, to a real hub.

    Frames are stamped by the agent as they are taken; that an event is committed is known by reading it back
    from the hub's database, on another connection, every half millisecond. Both clocks are this machine's.
    """
    folder.mkdir()
    clip = write_clip(folder / "clip.avi", fps)
    with mosquitto(folder / "broker") as port:
        write_settings(folder, port, "")
        with running_hub(folder) as hub:
            hub.wait_until_connected()
            with running_agent(folder / "agent", port, clip, pace=True, publish_empty=True) as agent:
                with database_of(folder) as ask:
                    watch_commits(ask, round(fps * WARM_UP_S))
                    ms = sorted(watch_commits(ask, round(fps * seconds)))
                peak_mb = agent.peak_mb()
    return FrameLatency(fps, len(ms), _rank(ms, 0.5), _rank(ms, 0.99), ms[-1], peak_mb)


def watch_commits(ask: Any, count: int) -> list[float]:
    """Return how old each of the next so many events is when it is committed, in milliseconds."""
    ages_ms: list[float] = []
    last, deadline = ask("SELECT coalesce(max(id), 0) FROM events"), time.monotonic() + DEADLINE_S
    while len(ages_ms) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the hub has committed only {len(ages_ms)} of {count} events")
        newest = ask("SELECT coalesce(max(id), 0) FROM events")
        now = datetime.now(UTC)
        for number in range(last + 1, newest + 1):
            taken = ask(f"SELECT captured_at FROM events WHERE id = {number}")  # noqa: S608 - a number of ours
            ages_ms.append((now - datetime.fromisoformat(taken).replace(tzinfo=UTC)).total_seconds() * 1000)
        last = newest
        time.sleep(LOOK_S)
    return ages_ms


def _rank(ordered: list[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]

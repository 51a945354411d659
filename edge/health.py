"""How the agent is: what it counts and measures, and the status message that tells it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge.thermal import read_temperature
from hub.event import Plain
from hub.wire.protocol import AgentStatus

if TYPE_CHECKING:
    from edge.pipeline import Pipeline
    from edge.spool import Spool

FPS_WINDOW_S = 10.0
INFERENCES = 600  # that the quantiles are taken of
COUNTS = ("frames", "events", "withheld", "dropped", "unreadable")


class CameraHealth(Plain):
    """The figures of one camera, or of all, at one moment; the counts are since the agent started.

    `up` is whether it gives frames. `withheld` findings were no news under the rules of [capture].
    `dropped` frames and findings were given up for newer ones, or because the disk refused them;
    `unreadable` ones came from the source, but were no picture.
    """

    up: bool = True
    fps: float
    inference_ms_p50: float | None = None
    inference_ms_p95: float | None = None
    frames: int
    events: int
    withheld: int
    dropped: int
    unreadable: int = 0


class Health(CameraHealth):
    """The agent's figures: of all its cameras together (`up` is whether all are), and of each that has a
    name."""

    spool_records: int
    spool_bytes: int
    temperature_c: float | None = None
    cameras: dict[str, CameraHealth] | None = None


class HealthStatus(AgentStatus):
    """A status message with the agent's figures, which an older hub passes over."""

    health: Health | None = None


class Counters:
    """What the steps of one camera count. May be used from any thread.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.frames = self.events = self.withheld = self.refused = self.unreadable = 0
        self.up = False
        self._clock, self._began = clock, clock()
        self._looked_at: deque[float] = deque(maxlen=10_000)
        self._inference_s: deque[float] = deque(maxlen=INFERENCES)
        self._mutex = threading.Lock()

    def looked(self, inference_s: float) -> None:
        """Count a frame and how long the model took for it."""
        with self._mutex:
            self.frames += 1
            self._looked_at.append(self._clock())
            self._inference_s.append(inference_s)

    def pass_over(self) -> None:
        """Count something that the source gave and that is no picture."""
        self.unreadable += 1

    @property
    def inference_s(self) -> list[float]:
        """How long the model took for each of the last frames, in seconds."""
        with self._mutex:
            return list(self._inference_s)

    def measure(self, dropped: int) -> CameraHealth:
        """Return the figures of now.

        Args:
            dropped: What the lanes gave up.
        """
        with self._mutex:
            now, durations = self._clock(), sorted(self._inference_s)
            recent = sum(1 for at in self._looked_at if now - at <= FPS_WINDOW_S)
        return CameraHealth(
            up=self.up,
            fps=round(recent / max(min(now - self._began, FPS_WINDOW_S), 0.001), 1),
            inference_ms_p50=_quantile_ms(durations, 0.50),
            inference_ms_p95=_quantile_ms(durations, 0.95),
            frames=self.frames,
            events=self.events,
            withheld=self.withheld,
            dropped=dropped + self.refused,
            unreadable=self.unreadable,
        )


def measure_agent(pipelines: Mapping[str, Pipeline], spool: Spool) -> Health:
    """Return the figures of now. May wait for the spool.

    Args:
        pipelines: One for each camera by its name; the name of a single one may be empty.
        spool: The open spool.
    """
    parts = {name: pipeline.measure() for name, pipeline in pipelines.items()}
    durations = sorted(second for one in pipelines.values() for second in one.counters.inference_s)
    return Health(
        up=all(part.up for part in parts.values()),
        fps=round(sum(part.fps for part in parts.values()), 1),
        inference_ms_p50=_quantile_ms(durations, 0.50),
        inference_ms_p95=_quantile_ms(durations, 0.95),
        **{name: sum(getattr(part, name) for part in parts.values()) for name in COUNTS},
        spool_records=spool.pending,
        spool_bytes=spool.used_bytes,
        temperature_c=read_temperature(),
        cameras={name: part for name, part in parts.items() if name} or None,
    )


def _quantile_ms(ordered_s: list[float], share: float) -> float | None:
    if not ordered_s:
        return None
    return round(1000 * ordered_s[math.ceil(share * len(ordered_s)) - 1], 3)

"""How the agent is: what it counts and measures, and the status message that tells it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.thermal import read_temperature
from hub.event import Plain
from hub.wire.protocol import AgentStatus

if TYPE_CHECKING:
    from edge.spool import Spool

FPS_WINDOW_S = 10.0
INFERENCES = 600  # that the quantiles are taken of


class Health(Plain):
    """The agent's figures at one moment; the counts are since it started.

    `withheld` findings were no news under the rules of [capture]. `dropped` frames and findings were given
    up for newer ones, or because the disk refused them.
    """

    fps: float
    inference_ms_p50: float | None = None
    inference_ms_p95: float | None = None
    frames: int
    events: int
    withheld: int
    dropped: int
    spool_records: int
    spool_bytes: int
    temperature_c: float | None = None


class HealthStatus(AgentStatus):
    """A status message with the agent's figures, which an older hub passes over."""

    health: Health | None = None


class Counters:
    """What the agent's steps count. May be used from any thread.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.frames = self.events = self.withheld = self.refused = 0
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

    def measure(self, spool: Spool, dropped: int) -> Health:
        """Return the figures of now. May wait for the spool.

        Args:
            spool: The open spool.
            dropped: What the lanes gave up.
        """
        with self._mutex:
            now, durations = self._clock(), sorted(self._inference_s)
            recent = sum(1 for at in self._looked_at if now - at <= FPS_WINDOW_S)
        return Health(
            fps=round(recent / max(min(now - self._began, FPS_WINDOW_S), 0.001), 1),
            inference_ms_p50=_quantile_ms(durations, 0.50),
            inference_ms_p95=_quantile_ms(durations, 0.95),
            frames=self.frames,
            events=self.events,
            withheld=self.withheld,
            dropped=dropped + self.refused,
            spool_records=spool.pending,
            spool_bytes=spool.used_bytes,
            temperature_c=read_temperature(),
        )


def _quantile_ms(ordered_s: list[float], share: float) -> float | None:
    if not ordered_s:
        return None
    return round(1000 * ordered_s[math.ceil(share * len(ordered_s)) - 1], 3)

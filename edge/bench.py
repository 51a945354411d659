"""Measures how long models take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.model import Detector

WARM_UP = 5  # calls that are not counted


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that half of the calls, and 95 of 100, were within."""

    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Return the latency of calls that took so many seconds each (nearest rank)."""
        ranked = sorted(seconds)
        p50, p95 = (ranked[math.ceil(share * len(ranked)) - 1] * 1000 for share in (0.5, 0.95))
        return cls(round(p50, 3), round(p95, 3))


@dataclass(frozen=True, slots=True)
class Bench:
    """What a bench gave: `infer` is the network alone, `detect` a whole frame with fitting and reading."""

    model: str
    version: str
    device: str
    frames: int
    seconds: float
    frames_per_s: float
    infer: Latency
    detect: Latency


def bench_model(detector: Detector, seconds: float) -> Bench:
    """Run a model on a frame of 640 x 480 again and again: the network alone, then all of the work.

    Args:
        detector: The loaded model.
        seconds: How long to measure.
    """
    frame = make_noise(1)[0]
    (infers,) = time_calls([detector.rehearse(frame)], seconds / 2)
    (detects,) = time_calls([lambda: detector.detect(frame)], seconds / 2)
    took = sum(detects)
    return Bench(
        model=detector.card.name,
        version=detector.card.version,
        device=detector.device,
        frames=len(detects),
        seconds=round(took, 3),
        frames_per_s=round(len(detects) / took, 1),
        infer=Latency.of(infers),
        detect=Latency.of(detects),
    )


def time_calls(calls: Sequence[Callable[[], object]], seconds: float) -> list[list[float]]:
    """Call functions in turn for so many seconds, at least once each; return the seconds of each call."""
    for call in calls:
        for _ in range(WARM_UP):
            call()
    took: list[list[float]] = [[] for _ in calls]
    until = time.perf_counter() + seconds
    while not took[0] or time.perf_counter() < until:
        for call, times in zip(calls, took, strict=True):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    return took


def make_noise(count: int) -> list[NDArray[np.uint8]]:
    """Return the same so many 640 x 480 pictures each time: coloured clouds from coarse to fine."""
    import cv2

    rng = np.random.default_rng(2018)
    sides = [2 ** (1 + number % 7) for number in range(count)]
    small = [rng.integers(0, 256, (side, side, 3), np.uint8) for side in sides]
    return [np.asarray(cv2.resize(one, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8) for one in small]

"""How many frames a second the camera agent looks at, beside OpenVINO alone on the same model."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from support.agent_process import AgentProcess, running_agent, write_clip
from support.broker import mosquitto
from support.small_hub import answering

from edge.config import DEFAULT_MODEL
from edge.model import Detector
from edge.network import compile_network, read_network
from edge.pipeline import AHEAD

RULES = {"one event a second at most": 1.0, "every finding is an event": 0.0}
CLIP_FPS = 30.0


@dataclass(frozen=True)
class AgentRate:
    """What the agent did in a second, and the most memory it had, in MB."""

    frames_per_s: float
    events_per_s: float
    published_per_s: float
    peak_mb: float


@dataclass(frozen=True)
class Speed:
    """Each run's rates; `bare` and `bare_ahead` are inferences, `detector` frames a second."""

    bare: list[float]
    bare_ahead: list[float]
    detector: list[float]
    agent: dict[str, list[AgentRate]]


def measure_speed(folder: Path, runs: int, seconds: float) -> Speed:
    """Measure each in turn, `runs` times, for so many seconds."""
    clip = write_clip(folder / "clip.avi", CLIP_FPS)
    found = Speed([], [], [], {rule: [] for rule in RULES})
    for run in range(runs):
        found.bare.append(loop_bare(0, seconds))
        found.bare_ahead.append(loop_bare(AHEAD, seconds))
        found.detector.append(loop_detector(clip, seconds))
        for number, (rule, interval_s) in enumerate(RULES.items()):
            made = folder / f"speed-{run}-{number}"
            found.agent[rule].append(asyncio.run(run_agent(made, clip, interval_s, seconds)))
    return found


def loop_bare(ahead: int, seconds: float) -> float:
    """Return inferences a second of OpenVINO alone, as `benchmark_app` does it: one input, again and again.

    With 0 ahead as `-hint latency -api sync`, otherwise as `-hint throughput -api async`; compiled as the
    agent's.
    """
    compiled = compile_network(read_network(DEFAULT_MODEL / "model.xml"), "CPU", ahead=ahead)
    values = np.random.default_rng(1).random(tuple(compiled.inputs[0].shape), np.float32) * 255
    idle, busy = deque(compiled.create_infer_request() for _ in range(ahead + 1)), deque[Any]()
    for request in idle:
        request.infer({0: values})

    def infer() -> None:
        busy.append(idle.popleft())
        busy[-1].start_async()
        if not idle:
            busy[0].wait()
            idle.append(busy.popleft())

    return count(infer, seconds)


def loop_detector(clip: Path, seconds: float) -> float:
    """Return frames a second of the detector in a loop, one after the other, on one and the same frame."""
    detector, frame = Detector(DEFAULT_MODEL), cv2.VideoCapture(str(clip)).read()[1]
    return count(lambda: detector.detect(frame), seconds)


def count(work: Callable[[], object], seconds: float) -> float:
    """Return how often a second `work` can be done, after a short warm-up."""
    for _ in range(20):
        work()
    began, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        work()
        done += 1
    return done / passed


async def run_agent(folder: Path, clip: Path, min_interval_s: float, seconds: float) -> AgentRate:
    """Run the agent as fast as it can, with somebody looking and a hub answering."""
    with mosquitto(folder) as port:
        async with answering(port) as received:
            agent = partial(running_agent, folder, port, clip, pace=False, min_interval_s=min_interval_s)
            return await asyncio.to_thread(_count_frames, agent, seconds, received)


def _count_frames(
    start: Callable[[], AbstractContextManager[AgentProcess]], seconds: float, received: list[int]
) -> AgentRate:
    with start() as agent:
        before, began, published = agent.figures(), time.perf_counter(), received[0]
        after, passed = before, 0.0
        while passed < seconds or after["frames"] == before["frames"]:  # a busy machine may show none so soon
            time.sleep(seconds)
            after, passed = agent.figures(), time.perf_counter() - began
        return AgentRate(
            (after["frames"] - before["frames"]) / passed,
            (after["events"] - before["events"]) / passed,
            (received[0] - published) / passed,
            agent.peak_mb(),
        )

"""Dispatch alone: stored events, in memory, to a plugin that does nothing, until all is committed."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from support.hub_process import write_settings
from support.report import tabulate

from hub.decode.message import Decoded, Message
from hub.dispatch.dispatch import Dispatch
from hub.dispatch.instance import Instance
from hub.event import Box, Detection, NewEvent
from hub.loading import Loaded, load_instance
from hub.store.arrival import Arrival, Burst
from hub.store.database import open_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.overview import list_cursors
from hub.store.writer import Writer

BURST = 500
DEADLINE_S = 600.0
LOOK_S = 0.05  # a look takes the hub a millisecond


@dataclass(frozen=True)
class Run:
    """One run. Rates in events a second, CPU time in microseconds an event; `done` were committed as done."""

    isolation: str
    events: int
    done: int
    per_s: float
    hub_cpu_us: float


@dataclass(frozen=True)
class Speed:
    """All runs, and the medians of their rates."""

    runs: Sequence[Run]
    in_hub_per_s: float
    in_process_per_s: float


def measure_speed(folder: Path, events: int, runs: int) -> Speed:
    """Measure both kinds in turn, each run on a new database."""
    write_settings(folder, 0, "")
    sys.path.insert(0, str(folder / "installed"))
    found = [
        uvloop.run(_measure(folder / f"{isolation}-{number}", events, isolation))
        for number in range(runs)
        for isolation in ("none", "process")
    ]
    rates = {
        kind: median(run.per_s for run in found if run.isolation == kind) for kind in ("none", "process")
    }
    return Speed(found, rates["none"], rates["process"])


async def _measure(data_dir: Path, events: int, isolation: str) -> Run:
    upgrade(data_dir)
    frames = FrameStore(data_dir / "frames")
    writer = await Writer.open(data_dir, frames)
    writer.tail._most = events  # dispatch alone is measured, without reading the table
    writer.tail.listen(lambda: None, lambda: 0)
    writing = asyncio.create_task(writer.run())
    try:
        await _fill(writer, events)
        loaded = load_instance(
            "noop", {"isolation": isolation, "start": "beginning", "window": 10_000}, data_dir
        )
        assert isinstance(loaded, Loaded), loaded
        return await _time(writer, loaded, data_dir, events)
    finally:
        writer.close()
        await writing


async def _fill(writer: Writer, events: int) -> None:
    for start in range(0, events, BURST):
        committed = asyncio.get_running_loop().create_future()
        arrivals = tuple(_arrival(number) for number in range(start, min(start + BURST, events)))
        writer.add(Burst(arrivals, committed.set_result))
        await committed


def _arrival(number: int) -> Arrival:
    now = datetime.now(UTC)
    seen = tuple(
        Detection(label=label, confidence=0.93, box=Box(left=0.1, top=0.2, width=0.3, height=0.4))
        for label in ("thumbs-up", "fist")
    )
    event = NewEvent(key=f"bench/{number}", source="edge", device="bench", captured_at=now, detections=seen)
    return Arrival(Message("bench", "t", b"{}", now), Decoded(events=(event,), device="bench"))


async def _time(writer: Writer, loaded: Loaded, data_dir: Path, events: int) -> Run:
    """Time from the first delivery to the last commit; the process's start is not part of it."""
    async with AsyncExitStack() as stack:
        engine = open_engine(data_dir)
        stack.push_async_callback(engine.dispose)
        began = asyncio.get_running_loop().create_future()
        noted = replace(loaded, instance=_noting(loaded.instance, began))
        dispatch = Dispatch(writer, EventLog(engine), FrameStore(data_dir / "frames"))
        running = asyncio.create_task(dispatch.run([noted], asyncio.Event()))
        start, cpu_start = await asyncio.wait_for(began, DEADLINE_S)
        position = done = 0
        while position < events and time.monotonic() - start < DEADLINE_S:
            await asyncio.sleep(LOOK_S)
            row = (await list_cursors(engine))[0]
            position, done = row["position"], row["done"]
        seconds, cpu_s = time.monotonic() - start, _cpu_s() - cpu_start
        running.cancel()
        await asyncio.wait([running])
    kind = loaded.instance.settings.isolation
    return Run(kind, events, done, events / seconds, cpu_s / events * 1e6)


def _noting(instance: Instance, began: asyncio.Future[tuple[float, float]]) -> Instance:
    """Return an instance that notes when its first delivery began, and the CPU time used until then."""

    async def deliver(*arguments: Any) -> object:
        if not began.done():
            began.set_result((time.monotonic(), _cpu_s()))
        return await instance.deliver(*arguments)

    return replace(instance, deliver=deliver)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def describe_speed(found: Speed) -> str:
    """Return the table."""
    heads = ("run", "isolation", "events", "done", "events/s", "CPU of the hub, us an event")
    rows = [
        (number, run.isolation, run.events, run.done, f"{run.per_s:,.0f}", f"{run.hub_cpu_us:.0f}")
        for number, run in enumerate(found.runs, 1)
    ]
    return f"""\
Isolation: stored events, held in memory, delivered by dispatch to one plugin that does nothing, in the hub or
in a process of its own, until all are committed as done.

{tabulate(heads, rows)}

median: {found.in_hub_per_s:,.0f} events/s in the hub, {found.in_process_per_s:,.0f} events/s in a process
"""

"""The agent: takes frames, looks for what the model knows, spools what it found, and keeps the link going."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from edge.config import AgentConfig, AgentTable, find_broker, find_token
from edge.health import Health, measure_agent
from edge.link import Link
from edge.model import Detector
from edge.outage import Outage
from edge.pipeline import Pipeline, frames_ahead
from edge.shot import CameraError
from edge.source import name_source
from edge.spool import Spool, SpoolError
from edge.watch import Watch

Task = asyncio.Future[Any]
LAST_WORDS_S = 5.0
NICER = 4
WAITING = "sending goes on until SIGTERM or Ctrl-C (--until-sent ends when all is sent)"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LOG = logging.getLogger("edge.agent")


async def run_agent(config: AgentConfig, *, until_sent: bool = False) -> Health:
    """Run an agent until SIGTERM or SIGINT, or, if `until_sent`, until all of its sources is with the hub.

    Started: models, spool, display, link, cameras; stopped: cameras, link (it says offline), display, spool.

    Returns:
        The figures at its end: how many `frames` it looked at, how many `events` it spooled, and more.

    Raises:
        ConfigError: A model cannot be loaded, a secret not be found, or the display not be shown.
        SpoolError: The spool cannot be opened or read.
        CameraError: Every file or folder gives no frames; if `until_sent`, one of them does.
    """
    from edge.display.screen import Screen
    from edge.display.show import showing

    broker, token = find_broker(config.broker), find_token(config.display)
    parts = dict(zip(config.names, config.split(), strict=True))
    detectors = await _load_all(parts)
    spool = await asyncio.to_thread(Spool.open, config.agent.spool, config.agent.quota_bytes)
    with spool:
        screens = {name: Screen() for name in parts}
        pipelines = {
            name: Pipeline(part, spool, detectors[name], screens[name]) for name, part in parts.items()
        }
        models = list(dict.fromkeys(detector.agent_model for detector in detectors.values()))
        link = Link(spool, config.agent.device, broker, models=models)
        measure = partial(measure_agent, pipelines, spool)
        watches = [Watch(name, parts[name].camera.source, pipelines[name]) for name in parts]
        titles = ", ".join(dict.fromkeys(detector.title for detector in detectors.values()))
        with showing(config.display, screens, measure, config.agent.device, titles, token):
            _tell(parts, detectors)
            await _Work(config.agent, spool, watches, link, measure).run(until_sent=until_sent)
        return measure()


async def _load_all(parts: Mapping[str, AgentConfig]) -> dict[str, Detector]:
    """Load each camera's model.

    It is done by a thread of lower priority, which the threads that a network runs in inherit: they take all
    the CPU there is, and must not keep the thread waiting that feeds them, nor the link and the display.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, initializer=_step_back) as loader:
        return {name: await loop.run_in_executor(loader, _load, part) for name, part in parts.items()}


def _step_back() -> None:
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICER)


def _tell(parts: dict[str, AgentConfig], detectors: dict[str, Detector]) -> None:
    for name, detector in detectors.items():
        source = name_source(parts[name].camera.source)
        LOG.info("%s watches %s with %s on %s", name or "agent", source, detector.title, detector.device)


def _load(config: AgentConfig) -> Detector:
    model, ahead = config.model, frames_ahead(config.camera)
    return Detector(
        model.path,
        device=model.device,
        threads=model.threads,
        ahead=ahead,
        candidates_from=config.sampling.candidates_from,
    )


class _Work:
    """What runs while the agent runs."""

    def __init__(
        self,
        agent: AgentTable,
        spool: Spool,
        watches: list[Watch],
        link: Link,
        measure: Callable[[], Health],
    ) -> None:
        self._agent, self._spool, self._watches, self._link = agent, spool, watches, link
        self._measure = measure
        self._news = asyncio.Event()
        self._disk = Outage(LOG, f"spool {spool.path}")

    async def run(self, *, until_sent: bool) -> None:
        with _stop_signals() as stopping:
            async with (
                _in_background(self._link.run(), "link") as linking,
                _in_background(self._tend(), "tend") as tending,
                _in_background(stopping.wait(), "stop") as stop,
            ):
                failed = await self._watch(linking, tending, stop)
                if len(failed) == len(self._watches):
                    raise failed[0]
                if not stop.done():
                    LOG.info("the sources have ended; %s", "the rest is sent" if until_sent else WAITING)
                if not until_sent:
                    await _first_of(linking, tending, stop)
                    return
                await self._drain(linking, stop)
                if failed:
                    raise failed[0]

    async def _watch(self, *others: Task) -> list[CameraError]:
        """Let all pipelines run until their sources have ended or another task does; return what failed."""
        with ThreadPoolExecutor(len(self._watches), "watch") as threads:
            watching = [
                asyncio.create_task(watch.run(threads, self._news.set), name="watch")
                for watch in self._watches
            ]
            ended = asyncio.gather(*watching)
            try:
                await _first_of(ended, *others)
            finally:
                for watch in self._watches:
                    watch.stop()
                await asyncio.wait(watching)
            await ended
        return [watch.failure for watch in self._watches if watch.failure is not None]

    async def _drain(self, linking: Task, stop: Task) -> None:
        """Wait until all is with the hub; once told to stop, for a short time only."""
        async with _in_background(self._link.drained(), "drain") as draining:
            await _first_of(draining, linking, stop)
            await asyncio.wait([draining], timeout=LAST_WORDS_S)
            if not draining.done():
                LOG.warning("stopped before all was sent; the rest is sent at the next start")

    async def _tend(self) -> None:
        """Now and then, and at once when a camera is lost or back, let old records go and tell the hub."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._agent.status_s):
                    await self._news.wait()
            self._news.clear()
            await self._expire()
            health = await asyncio.to_thread(self._measure)
            trouble = "; ".join(watch.trouble for watch in self._watches if watch.trouble)
            self._link.report("error" if trouble else "online", trouble, health)

    async def _expire(self) -> None:
        try:
            await asyncio.to_thread(self._spool.expire, self._agent.max_picture_age_s, self._agent.max_age_s)
        except SpoolError as error:
            self._disk.begin(f"{error}; trying again")
        else:
            self._disk.end()


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, object], name: str) -> AsyncIterator[Task]:
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _first_of(*tasks: Task) -> None:
    """Wait until one task has ended, and raise its error if it has one."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()

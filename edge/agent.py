"""The agent: takes frames, looks for what the model knows, spools what it found, and keeps the link going."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from edge.config import AgentConfig, find_broker, find_token
from edge.health import Counters
from edge.link import Link
from edge.model import Detector
from edge.outage import Outage
from edge.pipeline import Pipeline
from edge.source import name_source
from edge.spool import Spool, SpoolError

Task = asyncio.Task[Any]
LAST_WORDS_S = 5.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LOG = logging.getLogger("edge.agent")


async def run_agent(config: AgentConfig, *, until_sent: bool = False) -> Counters:
    """Run an agent until SIGTERM or SIGINT, or, if `until_sent`, until all of the source is with the hub.

    Started: model, spool, display, link, camera; stopped: camera, link (it says offline), display, spool.

    Returns:
        How many `frames` it looked at, how many `events` it spooled, and more.

    Raises:
        ConfigError: The model cannot be loaded, a secret not be found, or the display not be shown.
        SpoolError: The spool cannot be opened or read.
        CameraError: The file or folder gives no frames.
    """
    from edge.display.screen import Screen
    from edge.display.show import showing

    broker, token = find_broker(config.broker), find_token(config.display)
    detector = await asyncio.to_thread(Detector, config.model.path)
    spool = await asyncio.to_thread(Spool.open, config.agent.spool, config.agent.quota_bytes)
    with spool:
        screen = Screen()
        pipeline = Pipeline(config, spool, detector, screen)
        link = Link(spool, config.agent.device, broker, models=[detector.agent_model])
        device, model = config.agent.device, f"{detector.card.name} {detector.card.version}"
        with showing(config.display, screen, pipeline.measure, device, model, token):
            await _Work(config, spool, pipeline, link).run(until_sent=until_sent)
    return pipeline.counters


class _Work:
    """What runs while the agent runs."""

    def __init__(self, config: AgentConfig, spool: Spool, pipeline: Pipeline, link: Link) -> None:
        self._config, self._spool, self._pipeline, self._link = config, spool, pipeline, link
        self._camera_trouble = ""
        self._news = asyncio.Event()
        self._disk = Outage(LOG, f"spool {spool.path}")

    async def run(self, *, until_sent: bool) -> None:
        with _stop_signals() as stopping:
            async with (
                _in_background(self._link.run(), "link") as linking,
                _in_background(self._tend(), "tend") as tending,
                _in_background(stopping.wait(), "stop") as stop,
            ):
                await self._watch(linking, tending, stop)
                if until_sent:
                    await self._drain(linking, stop)
                else:
                    await _first_of(linking, tending, stop)

    async def _watch(self, *others: Task) -> None:
        """Let the pipeline run until its source ends or another task does."""
        loop = asyncio.get_running_loop()
        source = name_source(self._config.camera.source)
        trouble = Outage(LOG, f"camera {source}", lambda text: loop.call_soon_threadsafe(self._note, text))
        watching = asyncio.create_task(asyncio.to_thread(self._pipeline.run, trouble), name="watch")
        try:
            await _first_of(watching, *others)
        finally:
            self._pipeline.stop()
            await asyncio.wait([watching])

    async def _drain(self, linking: Task, stop: Task) -> None:
        """Wait until all is with the hub; once told to stop, for a short time only."""
        async with _in_background(self._link.drained(), "drain") as draining:
            await _first_of(draining, linking, stop)
            await asyncio.wait([draining], timeout=LAST_WORDS_S)
            if not draining.done():
                LOG.warning("stopped before all was sent; the rest is sent at the next start")

    async def _tend(self) -> None:
        """Now and then, and at once when the camera is lost or back, let old records go and tell the hub."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.agent.status_s):
                    await self._news.wait()
            self._news.clear()
            await self._expire()
            health = await asyncio.to_thread(self._pipeline.measure)
            trouble = self._camera_trouble
            self._link.report("error" if trouble else "online", trouble, health)

    async def _expire(self) -> None:
        agent = self._config.agent
        try:
            await asyncio.to_thread(self._spool.expire, agent.max_picture_age_s, agent.max_age_s)
        except SpoolError as error:
            self._disk.begin(f"{error}; trying again")
        else:
            self._disk.end()

    def _note(self, trouble: str) -> None:
        self._camera_trouble = trouble
        self._news.set()


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

"""Time passing for one instance: its tick hook is called, and its digests are sent when they are due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from hub.authored import in_words
from hub.dispatch.delivery import EventDelivery, Position
from hub.dispatch.instance import Instance
from hub.dispatch.patience import await_within
from hub.dispatch.runner import ABANDON_AFTER_S
from hub.dispatch.suppress.digests import Digests
from hub.store.log import EventLog
from hub.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_S = 1.0


class Ticking:
    """Calls `tick(now, delivery)` every `tick_s` seconds, one call at a time; nothing is tried again.

    Args:
        stands: Whether the instance is paused or about to stop; it is not called then.
    """

    def __init__(
        self,
        instance: Instance,
        writer: Writer,
        event_log: EventLog,
        now: Callable[[], datetime],
        *,
        stands: Callable[[], bool] = lambda: False,
    ) -> None:
        self._instance = instance
        self._writer = writer
        self._log = event_log
        self._now = now
        self._stands = stands
        self._failing = False

    async def run(self) -> None:
        """Tick until cancelled, the first time at once."""
        while True:
            began = time.monotonic()
            if not self._stands():
                await self.tick()
            await asyncio.sleep(max(0.0, began + self._instance.settings.tick_s - time.monotonic()))

    async def tick(self) -> None:
        """Tick once; what the plugin raises is logged when it begins and when it ends."""
        hook, timeout_s = self._instance.tick, self._instance.settings.timeout_s
        assert hook is not None  # noqa: S101 - this object is made only for plugins that have it
        newest = Position(self._writer.tail.newest)
        delivery = EventDelivery(self._instance.name, newest, 1, self._writer, self._log, self._now)
        try:
            await await_within(timeout_s, hook(self._now(), delivery))
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # the hub is stopping
            self._report(in_words(error))
        else:
            self._report("")

    def _report(self, trouble: str) -> None:
        if trouble and not self._failing:
            log.warning("plugin.tick_failing %s: %s", self._instance.name, trouble)
        elif self._failing and not trouble:
            log.info("plugin.tick_recovered %s", self._instance.name)
        self._failing = bool(trouble)


async def send_digests(name: str, digests: Digests, *, stands: Callable[[], bool]) -> None:
    """Send digests when they are due, until cancelled; the store's trouble is waited out.

    Args:
        stands: Whether none is to be sent now: the instance is paused, or its far side is down.
    """
    failing = False
    while True:
        try:
            if not stands():
                await digests.send_due()
            failing = False
        except Exception as error:  # noqa: BLE001 - of the store; the plugin's own are settled before
            if not failing:
                log.warning("digest.waiting %s: %s", name, error)
            failing = True
        await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def running_beside(name: str, *tasks: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run tasks of an instance while the block runs; one that fails is named and stops nothing else.

    Those that ignore their cancellation at the end are named, and left to themselves 5 s later.
    """
    running = [asyncio.get_running_loop().create_task(task) for task in tasks]
    for task in running:
        task.add_done_callback(lambda done: _note_end(name, done))
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        if running:
            _, stuck = await asyncio.wait(running, timeout=ABANDON_AFTER_S)
            if stuck:
                log.warning("plugin.stuck %s: its tick, digest or source ignores its cancellation", name)


def _note_end(name: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("plugin.alone %s: what runs beside it has failed: %r", name, error)

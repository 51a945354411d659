"""The tasks that deliver to one instance, side by side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from hub.watchdog.steps import context_for

log = logging.getLogger(__name__)

STOP_S = 5.0


class Workers:
    """Tasks of one instance, in its context; `ended` gets the error of one that fails.

    Args:
        work: What each of them does.
    """

    def __init__(
        self, name: str, work: Callable[[], Coroutine[None, None, None]], ended: asyncio.Future[None]
    ) -> None:
        self._name = name
        self._work = work
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self) -> None:
        """Begin one more."""
        task = asyncio.get_running_loop().create_task(
            self._work(), name=f"deliver to {self._name}", context=context_for(self._name)
        )
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._ended.done():
            self._ended.set_exception(error)

    async def stop(self) -> None:
        """Cancel all; say so where some take no notice."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, stuck = await asyncio.wait(self._tasks, timeout=STOP_S)
            if stuck:
                log.warning(
                    "plugin.stuck %s: %d deliveries ignore their cancellation", self._name, len(stuck)
                )

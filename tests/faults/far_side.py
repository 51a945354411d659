"""Runs what stands in for a service in a thread of its own, while hubs that use it are killed."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol, Self

from aiohttp import web

START_S = 30.0
LONGEST_S = 0.08


class FarSide(Protocol):
    """A service: an async context manager that serves at `url` inside."""

    url: str
    pauses: Pauses
    each: int
    """How many effects an event has."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    def effects(self) -> int:
        """Return how much it was made to do so far."""
        ...


class Pauses:
    """A pause before each effect and one after it, so that kills come between; counts what is under way."""

    def __init__(self) -> None:
        self.under_way = 0

    @asynccontextmanager
    async def around(self) -> AsyncIterator[None]:
        """Pause, let the effect happen, pause again."""
        self.under_way += 1
        try:
            await asyncio.sleep(random.uniform(0, LONGEST_S))  # noqa: S311 - a pause
            yield
            await asyncio.sleep(random.uniform(0, LONGEST_S))  # noqa: S311 - a pause
        finally:
            self.under_way -= 1


@asynccontextmanager
async def serving(application: web.Application) -> AsyncIterator[str]:
    """Serve an application on a free port; gives its address."""
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


@contextmanager
def in_thread(far_side: FarSide) -> Iterator[None]:
    """Let a service run while the context lasts; its counts may be read meanwhile."""
    ready, end, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with far_side:
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    if not ready.wait(START_S):
        raise TimeoutError(f"{type(far_side).__name__} did not start")
    try:
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(START_S)
        loop.close()

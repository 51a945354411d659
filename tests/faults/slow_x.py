"""Stands in for X in a thread of its own: takes every post, slowly, so that kills come in the middle."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Self

from aiohttp import web

LONGEST_S = 0.08
START_S = 30.0


def _load_server() -> Any:
    path = Path(__file__).parents[1] / "plugins/x_server.py"
    specification = importlib.util.spec_from_file_location("x_server", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


x_server = _load_server()


class _SlowServer(x_server.XServer):  # type: ignore[misc] # loaded by its path
    under_way = 0

    async def _take_post(self, request: web.Request) -> web.Response:
        self.under_way += 1
        try:
            await request.read()
            await asyncio.sleep(random.uniform(0, LONGEST_S))  # noqa: S311 - a pause before it is posted
            answer: web.Response = await super()._take_post(request)
            await asyncio.sleep(random.uniform(0, LONGEST_S))  # noqa: S311 - a pause after
        finally:
            self.under_way -= 1
        return answer


class SlowX:
    """X for hubs that are killed: it does not know duplicates, so that they are counted."""

    def __init__(self) -> None:
        self._server = _SlowServer()
        self._server.knows_duplicates = False
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=[self._serve()], daemon=True
        )

    def __enter__(self) -> Self:
        os.environ.update(x_server.KEYS)
        self._thread.start()
        if not self._ready.wait(START_S):
            raise TimeoutError("the stand-in for X did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_S)
        self._loop.close()

    async def _serve(self) -> None:
        async with self._server as running:
            self.url: str = running.url
            self._ready.set()
            await self._end.wait()

    def under_way(self) -> int:
        """Return how many posts are asked for and not answered."""
        return int(self._server.under_way)

    def posts(self) -> Counter[str]:
        """Return how often each text was posted."""
        return Counter(post["text"] for post in list(self._server.posts))

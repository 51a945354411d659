"""Stands in for two services that take webhooks, slowly, and now and then with a failure."""

from __future__ import annotations

import random
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Self

from aiohttp import web
from far_side import Pauses, serving

FAILING = 0.05
NAMES = ("one", "two")

What = tuple[str, str]
"""A service and an alert's name."""


class SlowWebhooks:
    """Keeps which alerts came to whom under which keys."""

    def __init__(self) -> None:
        self.url = ""
        self.pauses = Pauses()
        self.each = len(NAMES)
        self.keys: dict[What, set[str]] = defaultdict(set)
        self.alerts: dict[str, set[What]] = defaultdict(set)
        self.requests = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{name}", self._take)
        self.url = await self._stack.enter_async_context(serving(application))
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def _take(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.requests += 1
        if random.random() < FAILING:  # noqa: S311 - now and then
            return web.Response(status=500, headers={"Retry-After": "1"})
        key, what = request.headers["Idempotency-Key"], (request.match_info["name"], str(said["alert"]))
        async with self.pauses.around():
            self.keys[what].add(key)
            self.alerts[key].add(what)
        return web.Response()

    def effects(self) -> int:
        """Return how many alerts came, each counted once for each service."""
        return len(self.keys)

"""Stands in for a service that takes alerts by webhook (ours, json://, ntfy://); it can fail and hang."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from aiohttp import web


class Webhook:
    """Keeps what is posted to `/<name>`; names in `failing` get a 500, those in `hanging` no answer.

    `answers` has other answers, by name: (status, headers, body). What is posted to `/` goes to the name in
    its `topic`, as ntfy's posts do.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, dict[str, str], str]] = {}
        self.failing: set[str] = set()
        self.hanging: set[str] = set()
        self._end = asyncio.Event()

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=20_000_000)
        application.router.add_post("/{name:.*}", self._take)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = "{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end.set()
        await self._runner.cleanup()

    def url(self, name: str) -> str:
        """Return the Apprise URL of one name."""
        return f"json://user:s3cret-word@{self.address}/{name}"

    def names(self) -> list[str]:
        """Return who was posted to, in alphabetical order."""
        return sorted(name for name, _ in self.posts)

    async def _take(self, request: web.Request) -> web.Response:
        said = await request.json()
        name = request.match_info["name"] or said["topic"]
        self.posts.append((name, said))
        headers = {key.lower(): value for key, value in request.headers.items()}
        self.requests.append((headers, await request.read()))
        if name in self.answers:
            status, headers, body = self.answers[name]
            return web.Response(status=status, headers=headers, text=body)
        if name in self.hanging:
            await self._end.wait()
        return web.Response(status=500 if name in self.failing else 200)

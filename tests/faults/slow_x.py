"""Stands in for X: takes every post, slowly, so that kills come in the middle."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from far_side import Pauses


def _load_server() -> Any:
    path = Path(__file__).parents[1] / "plugins/x_server.py"
    specification = importlib.util.spec_from_file_location("x_server", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


x_server = _load_server()


class SlowX(x_server.XServer):  # type: ignore[misc] # loaded by its path
    """X for hubs that are killed: it does not know duplicates, so that they are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.knows_duplicates = False
        self.pauses = Pauses()
        self.each = 1

    async def __aenter__(self) -> Self:
        os.environ.update(x_server.KEYS)
        await super().__aenter__()
        return self

    async def _take_post(self, request: web.Request) -> web.Response:
        async with self.pauses.around():
            answer: web.Response = await super()._take_post(request)
        return answer

    def effects(self) -> int:
        """Return how many posts there are."""
        return len(self.posts)

    def texts(self) -> Counter[str]:
        """Return how often each text was posted."""
        return Counter(post["text"] for post in list(self.posts))

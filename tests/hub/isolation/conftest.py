"""Instances in processes of their own, over a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from textwrap import indent
from typing import Any

import pytest

from hub.dispatch.dispatch import Dispatch
from hub.loading import Loaded, load_instance

HEAD = """
import asyncio, os, signal, sys, time
from pydantic import BaseModel
from hub.plugin import *

class Plugin:
    class Settings(BaseModel):
        text: str = ""

    def __init__(self, settings, context):
        self.settings = settings
        self.context = context

    @hookimpl
    async def deliver(self, event, frame, delivery):
"""


class Isolating:
    """An instance that dispatch runs; what is committed of it."""

    def __init__(self, store: Any, name: str) -> None:
        self._store = store
        self.name = name
        self.loaded: Any = None
        self.dispatch: Any = None
        self.stop: Any = None

    @property
    def process(self) -> Any:
        return self.loaded.plugin._process._process

    def cursor(self) -> tuple[int, int]:
        query = "SELECT position, done FROM cursors WHERE plugin = ?"
        return (self._store.sql(query, self.name) or [(0, 0)])[0]

    def row(self, event_id: int = 1) -> tuple[str, int, str] | None:
        """Return (outcome, attempt, reason and note) as committed, or None."""
        query = "SELECT outcome, attempt, reason || note FROM deliveries WHERE plugin = ? AND event_id = ?"
        return (self._store.sql(query, self.name, event_id) or [None])[0]

    def state(self) -> tuple[str, str] | None:
        query = "SELECT state, reason FROM plugin_states WHERE plugin = ?"
        return (self._store.sql(query, self.name) or [None])[0]


@pytest.fixture(autouse=True)
def nothing_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: a delivery has no row, and is no row, before it has ended."""
    monkeypatch.setattr("hub.dispatch.runner.ASIDE_AFTER_S", 600.0)


@pytest.fixture
async def isolate(
    store: Any, install: Callable[..., Any], soon: Callable[..., Any]
) -> AsyncIterator[Callable[..., Any]]:
    """A function that runs plugins in processes: `await isolate("body of deliver", **settings)`.

    The body is indented by eight; `before` comes before the class, `more` of its methods after `deliver`.
    """
    async with AsyncExitStack() as stack:

        async def run(
            body: str, name: str = "p", before: str = "", more: str = "", **settings: Any
        ) -> Isolating:
            source = before + HEAD + indent(body.strip(), " " * 8)
            install(name, f"{source}\n{indent(more, ' ' * 4)}")
            table = {"isolation": "process", "start": "beginning", **settings}
            loaded = load_instance(name, table, store.data_dir)
            assert isinstance(loaded, Loaded), loaded
            isolating = Isolating(store, name)
            isolating.loaded = loaded
            ready = asyncio.Event()
            dispatch = Dispatch(store.writer, store.log, store.frames)
            isolating.dispatch = dispatch
            running = asyncio.create_task(dispatch.run([loaded], ready))

            async def end() -> None:
                running.cancel()
                await asyncio.wait([running])

            isolating.stop = end
            stack.push_async_callback(end)
            await soon(ready.wait())
            return isolating

        yield run

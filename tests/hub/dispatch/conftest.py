"""A bench for plugin instances: a running instance over a real store, with a clock that tests set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.dispatch.instance import Instance, InstanceSettings
from hub.dispatch.runner import Runner
from hub.dispatch.suppress.gate import Gate
from hub.store.plugin_state import open_cursor


class Clock:
    """A clock that stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Running:
    """An instance that runs; `watch()` is called every few milliseconds, as dispatch does.

    `gated` has it behind a gate, as dispatch has; `snoozes` and `digests` are the gate's.
    """

    def __init__(
        self,
        store: Any,
        name: str,
        deliver: Any,
        settings: dict[str, Any],
        clock: Clock,
        *,
        gated: bool = False,
        snoozes: dict[str, datetime] | None = None,
        digests: bool = False,
    ) -> None:
        self.store = store
        self.gated = gated
        self.snoozes = {} if snoozes is None else snoozes
        self.digests = digests
        self.name = name
        self.clock = clock
        self._instance = Instance(name, InstanceSettings(**settings), deliver)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Running]:
        standing = await self.store.writer.change(lambda c: open_cursor(c, self.name, 0))
        self.gate = await self._open_gate(standing.position) if self.gated else None
        self.runner = Runner(
            self._instance,
            standing,
            self.store.writer,
            self.store.log,
            self.store.frames,
            self.clock,
            gate=self.gate,
        )
        running = asyncio.create_task(self.runner.run())
        watching = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            for task in (watching, running):
                task.cancel()
            await asyncio.wait([watching, running])

    async def _open_gate(self, position: int) -> Gate:
        settings = self._instance.settings
        gate = Gate(self.name, settings.match, settings.suppress, self.snoozes, digests=self.digests)
        await gate.load(self.store.writer, self.store.log, position, self.clock.now)
        return gate

    async def _watch(self) -> None:
        while True:
            self.runner.watch()
            await asyncio.sleep(0.005)

    def cursor(self) -> tuple[int, int, int]:
        """Return (position, done, filtered) as committed."""
        query = "SELECT position, done, filtered FROM cursors WHERE plugin = ?"
        return self.store.sql(query, self.name)[0]

    def row(self, event_id: int = 1) -> dict[str, Any] | None:
        """Return what is committed of a delivery, or None."""
        query = "SELECT outcome, attempt, reason, note FROM deliveries WHERE plugin = ? AND event_id = ?"
        rows = self.store.sql(query, self.name, event_id)
        return dict(zip(("outcome", "attempt", "reason", "note"), rows[0], strict=True)) if rows else None

    def outcome(self, event_id: int = 1) -> str | None:
        row = self.row(event_id)
        return row and row["outcome"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def instance(store: Any, clock: Clock) -> Callable[..., Running]:
    """A function that makes an instance: `async with instance(deliver, **settings).run()`."""

    def make(deliver: Any, name: str = "p", **settings: Any) -> Running:
        gating = {key: settings.pop(key) for key in ("gated", "snoozes", "digests") if key in settings}
        return Running(store, name, deliver, settings, clock, **gating)

    return make


@pytest.fixture
async def start(instance: Callable[..., Running]) -> AsyncIterator[Callable[..., Any]]:
    """A function that starts an instance: `await start(deliver, **settings)`; it ends with the test."""
    async with AsyncExitStack() as stack:

        async def begin(deliver: Any, name: str = "p", **settings: Any) -> Running:
            return await stack.enter_async_context(instance(deliver, name, **settings).run())

        yield begin


@pytest.fixture(autouse=True)
def nothing_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: only where a test asks for it is a delivery put aside for its length."""
    monkeypatch.setattr("hub.dispatch.runner.ASIDE_AFTER_S", 600.0)


@pytest.fixture
def put_aside_soon(nothing_put_aside: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long runs are put aside after 50 ms and given up 100 ms after their timeout."""
    monkeypatch.setattr("hub.dispatch.runner.ASIDE_AFTER_S", 0.05)
    monkeypatch.setattr("hub.dispatch.runner.ABANDON_AFTER_S", 0.1)

"""Runs every plugin instance by itself: its cursor, its start, its deliveries, its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

from hub.dispatch.instance import Instance
from hub.dispatch.match_sieve import Sieve
from hub.dispatch.runner import Runner, utc_now
from hub.dispatch.suppress.digests import Digests
from hub.dispatch.suppress.gate import Gate
from hub.dispatch.suppress.snoozes import Snoozes
from hub.dispatch.tick import Ticking, running_beside, send_digests
from hub.loading import Broken, Loaded
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.plugin_state import PluginState, note_match, note_state, open_cursor
from hub.store.settlement import Standing
from hub.store.writer import Writer

log = logging.getLogger(__name__)

START_S = 60.0
WATCH_S = 0.1


class Dispatch:
    """All instances of one hub. A broken one is reported; it keeps nobody from running."""

    def __init__(self, writer: Writer, event_log: EventLog, frames: FrameStore) -> None:
        self._writer = writer
        self._log = event_log
        self._frames = frames
        self._runners: list[Runner] = []
        self._sieve = Sieve(writer.tail)
        self._snoozes = Snoozes(event_log)

    async def run(self, instances: Sequence[Loaded | Broken], ready: asyncio.Event) -> None:
        """Run all instances until cancelled; `ready` is set once every instance has its place in the log."""
        await self._snoozes.refresh()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._snoozes.watch(), name="snoozes")
            for found in instances:
                if isinstance(found, Broken):
                    start = 0 if found.from_beginning else self._writer.tail.newest
                    await self._open_cursor(found.name, start)  # it catches up once it is mended
                    await self._note_broken(found.name, "; ".join(found.problems))
                else:
                    standing = await self._stand(found.instance)
                    running = self._run_instance(found, standing)
                    group.create_task(running, name=f"plugin {found.instance.name}")
            ready.set()
            await self._watch()

    async def _run_instance(self, loaded: Loaded, standing: Standing) -> None:
        name = loaded.instance.name
        try:
            async with AsyncExitStack() as stack:
                await self._enter(loaded, stack)
                gate = await self._open_gate(loaded.instance, standing)
                runner = Runner(
                    loaded.instance,
                    standing,
                    self._writer,
                    self._log,
                    self._frames,
                    gate=gate,
                    sieve=self._sieve,
                )
                self._runners.append(runner)
                await self._note(name, "running", "")
                log.info("plugin.running %s", name)
                try:
                    async with running_beside(*self._list_beside(loaded.instance, gate)):
                        await runner.run()
                finally:
                    self._runners.remove(runner)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the author's code; the others go on
            await self._note_broken(name, f"{type(error).__name__}: {error}")

    async def _enter(self, loaded: Loaded, stack: AsyncExitStack) -> None:
        if not hasattr(loaded.plugin, "__aenter__"):
            return
        try:
            async with asyncio.timeout(START_S):
                await stack.enter_async_context(loaded.plugin)
        except TimeoutError as error:
            raise TimeoutError(f"did not start within {START_S:g} s") from error

    async def _open_gate(self, instance: Instance, standing: Standing) -> Gate:
        settings = instance.settings
        until, digests = self._snoozes.until, instance.digest is not None
        gate = Gate(instance.name, settings.match, settings.suppress, until, digests=digests)
        await gate.load(self._writer, self._log, standing.position, utc_now())
        return gate

    def _list_beside(self, instance: Instance, gate: Gate) -> list[Coroutine[Any, Any, None]]:
        """Return what runs beside an instance's deliveries."""
        beside = []
        if instance.tick is not None:
            beside.append(Ticking(instance, self._writer, self._log, utc_now).run())
        if instance.digest is not None:
            digests = Digests(instance, gate, self._writer, self._log, self._frames, utc_now)
            beside.append(send_digests(instance.name, digests))
        return beside

    async def _stand(self, instance: Instance) -> Standing:
        start = 0 if instance.settings.start == "beginning" else self._writer.tail.newest
        match = instance.settings.match.model_dump(mode="json", exclude_defaults=True)
        standing = await self._open_cursor(instance.name, start)
        await self._writer.change(lambda c: note_match(c, instance.name, standing.position + 1, match))
        return standing

    async def _open_cursor(self, name: str, start: int) -> Standing:
        return await self._writer.change(lambda c: open_cursor(c, name, start))

    async def _note_broken(self, name: str, reason: str) -> None:
        log.error("plugin.failed %s: %s", name, reason)
        await self._note(name, "failed", reason)

    async def _note(self, name: str, state: PluginState, reason: str) -> None:
        await self._writer.change(lambda c: note_state(c, name, state, reason[:2000]))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for runner in list(self._runners):
                runner.watch()

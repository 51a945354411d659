"""Runs every plugin instance by itself: its cursor, its start, its deliveries, its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from hub.dispatch.instance import Instance
from hub.dispatch.runner import Runner
from hub.isolation.isolated import Isolated, PluginFailed
from hub.loading import Broken, Loaded
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.plugin_state import PluginState, note_match, note_state, open_cursor
from hub.store.settlement import Standing
from hub.store.writer import Writer
from hub.watchdog.steps import context_for

log = logging.getLogger(__name__)

START_S = 60.0
WATCH_S = 0.1


def describe_failure(error: BaseException) -> str:
    """Return why an instance cannot run, as its state in the store says it."""
    return str(error) if isinstance(error, PluginFailed) else f"{type(error).__name__}: {error}"


class Dispatch:
    """All instances of one hub. A broken one is reported; it keeps nobody from running."""

    def __init__(self, writer: Writer, event_log: EventLog, frames: FrameStore) -> None:
        self._writer = writer
        self._log = event_log
        self._frames = frames
        self._runners: list[Runner] = []

    async def run(self, instances: Sequence[Loaded | Broken], ready: asyncio.Event) -> None:
        """Run all instances until cancelled; `ready` is set once every instance has its place in the log."""
        async with asyncio.TaskGroup() as group:
            for found in instances:
                if isinstance(found, Broken):
                    start = 0 if found.from_beginning else self._writer.tail.newest
                    await self._open_cursor(found.name, start)  # it catches up once it is mended
                    await self._note_broken(found.name, "; ".join(found.problems), found.state)
                else:
                    standing = await self._stand(found.instance)
                    running = self._run_instance(found, standing)
                    name = found.instance.name
                    group.create_task(running, name=f"plugin {name}", context=context_for(name))
            ready.set()
            await self._watch()

    async def _run_instance(self, loaded: Loaded, standing: Standing) -> None:
        name = loaded.instance.name
        try:
            async with AsyncExitStack() as stack:
                await self._enter(loaded, stack)
                runner = Runner(loaded.instance, standing, self._writer, self._log, self._frames)
                self._runners.append(runner)
                await self._note(name, "running", "")
                log.info("plugin.running %s", name)
                try:
                    await runner.run()
                finally:
                    self._runners.remove(runner)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the author's code; the others go on
            await self._note_broken(name, describe_failure(error))

    async def _enter(self, loaded: Loaded, stack: AsyncExitStack) -> None:
        if not hasattr(loaded.plugin, "__aenter__"):
            return
        if isinstance(loaded.plugin, Isolated):
            loaded.plugin.told_state = partial(self._note, loaded.instance.name)
        try:
            async with asyncio.timeout(START_S):
                await stack.enter_async_context(loaded.plugin)
        except TimeoutError as error:
            raise TimeoutError(f"did not start within {START_S:g} s") from error

    async def _stand(self, instance: Instance) -> Standing:
        start = 0 if instance.settings.start == "beginning" else self._writer.tail.newest
        match = instance.settings.match.model_dump(mode="json", exclude_defaults=True)
        for names in match.values():
            if isinstance(names, list):
                names.sort()
        standing = await self._open_cursor(instance.name, start)
        await self._writer.change(lambda c: note_match(c, instance.name, standing.position + 1, match))
        return standing

    async def _open_cursor(self, name: str, start: int) -> Standing:
        return await self._writer.change(lambda c: open_cursor(c, name, start))

    async def _note_broken(self, name: str, reason: str, state: PluginState = "failed") -> None:
        log.error("plugin.%s %s: %s", state.replace(" ", "_"), name, reason)
        await self._note(name, state, reason)

    async def _note(self, name: str, state: PluginState, reason: str) -> None:
        await self._writer.change(lambda c: note_state(c, name, state, reason[:2000]))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for runner in list(self._runners):
                runner.watch()

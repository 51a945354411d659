"""Runs every plugin instance by itself: its cursor, its start, its end, and what is changed meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from hub.dispatch.instance import Instance
from hub.dispatch.match_sieve import Sieve
from hub.dispatch.running import Running
from hub.dispatch.suppress.snoozes import Snoozes
from hub.loading import Broken, Loaded
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.pauses import read_pause
from hub.store.plugin_state import note_match, note_state, open_cursor
from hub.store.replays import Replay
from hub.store.settlement import Standing
from hub.store.writer import Writer

log = logging.getLogger(__name__)

WATCH_S = 0.1


async def _nothing(_: Loaded) -> None:
    """Run nothing beside an instance."""


class Dispatch:
    """All instances of one hub. A broken one is reported; it keeps nobody from running.

    Args:
        beside: Runs beside each instance for as long as that runs: its sources and what it says of itself.
    """

    def __init__(
        self,
        writer: Writer,
        event_log: EventLog,
        frames: FrameStore,
        beside: Callable[[Loaded], Coroutine[Any, Any, None]] = _nothing,
    ) -> None:
        self._writer = writer
        self._log = event_log
        self._frames = frames
        self._running: dict[str, Running] = {}
        self._group = asyncio.TaskGroup()
        self._sieve = Sieve(writer.tail)
        self._snoozes = Snoozes(event_log)
        self._beside = beside

    async def run(self, instances: Sequence[Loaded | Broken], ready: asyncio.Event) -> None:
        """Run all instances until cancelled; `ready` is set once every instance has its place in the log."""
        await self._snoozes.refresh()
        async with self._group:
            self._group.create_task(self._snoozes.watch(), name="snoozes")
            for found in instances:
                await self._start(found)
            ready.set()
            await self._watch()

    def runs(self, name: str) -> bool:
        """Whether an instance runs or is starting: it was made, and nothing has failed since."""
        running = self._running.get(name)
        return running is not None and (running.is_running or not running.placed.is_set())

    async def change(self, gone: Iterable[str], found: Sequence[Loaded | Broken]) -> None:
        """Stop the instances that are gone, put those found in the place of older ones, and touch no other.

        What is under way in a changed instance ends first; the new one goes on at its cursor. Returns once
        each of those found runs, or is known not to.
        """
        made = {one.name if isinstance(one, Broken) else one.instance.name: one for one in found}
        await asyncio.gather(*(self._replace(name, made.get(name)) for name in {*gone, *made}))

    async def _replace(self, name: str, found: Loaded | Broken | None) -> None:
        old = self._running.pop(name, None)
        if old is not None:
            await old.stop()
            log.info("plugin.stopped %s", name)
        if found is not None:
            await self._start(found)
        if name in self._running:
            await self._running[name].placed.wait()

    def pause(self, name: str, reason: str) -> None:
        """Let an instance deliver nothing more until it is resumed."""
        if name in self._running:
            self._running[name].pause(reason)

    def resume(self, name: str) -> None:
        """Let a paused instance go on where it stands."""
        if name in self._running:
            self._running[name].resume()

    async def retry(self, name: str, event_ids: Sequence[int]) -> None:
        """Try an instance's deliveries again at once, as the store says by now."""
        if name in self._running:
            await self._running[name].retry(event_ids)

    def start_replay(self, replay: Replay) -> None:
        """Deliver a range to an instance once more; one that does not run does it when it is started."""
        if replay.plugin in self._running:
            self._running[replay.plugin].start_replay(replay)

    async def stop_replay(self, name: str, number: int) -> None:
        """End a replay's deliveries."""
        if name in self._running:
            await self._running[name].stop_replay(number)

    async def _start(self, found: Loaded | Broken) -> None:
        if isinstance(found, Broken):
            start = 0 if found.from_beginning else self._writer.tail.newest
            await self._open_cursor(found.name, start)  # it catches up once it is mended
            await self._note_broken(found)
            return
        name = found.instance.name
        standing = await self._stand(found.instance) if found.delivers else None
        paused = await self._writer.change(lambda c: read_pause(c, name))
        running = Running(
            found,
            standing,
            self._writer,
            self._log,
            self._frames,
            sieve=self._sieve,
            snoozes=self._snoozes.until,
            beside=self._beside,
            paused=paused,
        )
        self._running[name] = running
        running.start(self._group)

    async def _stand(self, instance: Instance) -> Standing:
        start = 0 if instance.settings.start == "beginning" else self._writer.tail.newest
        match = instance.settings.match.model_dump(mode="json", exclude_defaults=True)
        standing = await self._open_cursor(instance.name, start)
        await self._writer.change(lambda c: note_match(c, instance.name, standing.position + 1, match))
        return standing

    async def _open_cursor(self, name: str, start: int) -> Standing:
        return await self._writer.change(lambda c: open_cursor(c, name, start))

    async def _note_broken(self, found: Broken) -> None:
        name, reason = found.name, "; ".join(found.problems)
        log.error("plugin.%s %s: %s", found.state.replace(" ", "_"), name, reason)
        await self._writer.change(lambda c: note_state(c, name, found.state, reason[:2000]))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for running in list(self._running.values()):
                running.watch()

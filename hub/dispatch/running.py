"""One instance while it runs: entered, its live runner, what is beside that, its replays, and left again."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Any

from hub.authored import clean, in_words, is_stop
from hub.dispatch.feed import LiveFeed
from hub.dispatch.instance import Instance
from hub.dispatch.match_sieve import Sieve
from hub.dispatch.replay import Past, ReplayFeed
from hub.dispatch.runner import Runner, utc_now
from hub.dispatch.suppress.digests import Digests
from hub.dispatch.suppress.gate import Gate
from hub.dispatch.tick import Ticking, running_beside, send_digests
from hub.errors import first_cause
from hub.isolation.isolated import Isolated, PluginFailed
from hub.loading import Loaded
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.plugin_state import PluginState, note_state, open_cursor
from hub.store.replays import Replay, end_replay, list_open
from hub.store.settlement import LIVE_RUN, Standing
from hub.store.writer import Writer
from hub.watchdog.steps import context_for

log = logging.getLogger(__name__)

START_S = 60.0
DRAIN_S = 10.0
LEAVE_S = 15.0
REPLAYED_AT_A_TIME = 2


class Running:
    """Runs one loaded instance, from its place in the log until it is stopped.

    Args:
        standing: Its place in the log; None for one without `deliver`, which only runs what is beside.
        sieve: Tells what it wants of what is committed.
        snoozes: Until when each snoozed instance is; shared by all and kept up to date.
        beside: Runs its decoder, its sources, and what it says of itself.
        paused: Why it is to deliver nothing until it is resumed; None: it is not.

    Attributes:
        placed: Set once it runs, or cannot.
        runners: The live runner, and those of replays.
    """

    def __init__(
        self,
        loaded: Loaded,
        standing: Standing | None,
        writer: Writer,
        event_log: EventLog,
        frames: FrameStore,
        *,
        sieve: Sieve,
        snoozes: dict[str, datetime],
        beside: Callable[[Loaded], Coroutine[Any, Any, None]],
        paused: str | None = None,
    ) -> None:
        self.name = loaded.instance.name
        self.loaded = loaded
        self.placed = asyncio.Event()
        self.runners: list[Runner] = []
        self._standing = standing
        self._writer = writer
        self._log = event_log
        self._frames = frames
        self._sieve = sieve
        self._snoozes = snoozes
        self._beside = beside
        self._paused = paused
        self._runs = False
        self._task: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._replays: dict[int, asyncio.Task[None]] = {}

    @property
    def is_running(self) -> bool:
        """Whether it was entered and has not ended."""
        return self._runs

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run as a task of `group`; nothing that goes wrong with the plugin ends the others."""
        self._task = group.create_task(
            self._run(), name=f"plugin {self.name}", context=context_for(self.name)
        )

    async def stop(self) -> None:
        """Let what is under way end, and leave the plugin."""
        await asyncio.gather(*(runner.drain(DRAIN_S) for runner in self.runners))
        if self._task is not None:
            self._task.cancel()
            if (await asyncio.wait([self._task], timeout=LEAVE_S))[1]:
                log.warning("plugin.stuck %s: does not leave within %g s", self.name, LEAVE_S)

    def pause(self, reason: str) -> None:
        """Deliver nothing more until resumed."""
        self._paused = reason
        for runner in self.runners:
            runner.pause(reason)

    def resume(self) -> None:
        """Go on where it was paused."""
        self._paused = None
        for runner in self.runners:
            runner.resume()

    def watch(self) -> None:
        """Look after what runs long and what is due; called every 100 ms."""
        for runner in list(self.runners):
            runner.watch()

    async def retry(self, event_ids: Sequence[int]) -> None:
        """Try failed deliveries of the live run again at once."""
        for runner in self.runners:
            if runner.run_id == LIVE_RUN:
                await runner.retry(event_ids)

    async def _run(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                await self._enter(stack)
                await (self._accompany() if self._standing is None else self._deliver(self._standing))
        except BaseException as error:
            if is_stop(error):
                raise
            await self._note_broken(_describe_failure(first_cause(error)))
        finally:
            self._runs = False
            self.runners.clear()
            self.placed.set()

    async def _enter(self, stack: AsyncExitStack) -> None:
        plugin = self.loaded.plugin
        if not hasattr(plugin, "__aenter__"):
            return
        if isinstance(plugin, Isolated):
            plugin.told_state = self._note_process
        try:
            async with asyncio.timeout(START_S):
                await stack.enter_async_context(plugin)
        except TimeoutError as error:
            raise TimeoutError(f"did not start within {START_S:g} s") from error
        if isinstance(plugin, Isolated):  # only now is known which hooks it has
            self.loaded = plugin.complete(self.loaded)

    async def _deliver(self, standing: Standing) -> None:
        instance = self.loaded.instance
        gate = await self._open_gate(instance, standing)
        live = Runner(
            instance,
            standing,
            self._writer,
            self._log,
            self._frames,
            feed=LiveFeed(self.name, instance.settings.match, self._writer.tail, self._log, self._sieve),
            gate=gate,
            on_state=self._note_soon,
        )
        self.runners.append(live)
        if self._paused is not None:
            live.pause(self._paused)
        await self._note_running()
        async with asyncio.TaskGroup() as group:
            self._group = group
            for replay in await self._writer.change(lambda c: list_open(c, self.name)):
                self.start_replay(replay)
            beside = [self._beside(self.loaded), *self._list_ticks(lambda: live.stands)]
            if instance.digest is not None:
                digests = Digests(instance, gate, self._writer, self._log, self._frames, utc_now)
                beside.append(send_digests(self.name, digests, stands=partial(self._keeps_digests, live)))
            async with running_beside(self.name, *beside):
                await live.run()

    async def _accompany(self) -> None:
        await self._note_running()
        ticks = self._list_ticks(lambda: self._paused is not None)
        async with running_beside(self.name, self._beside(self.loaded), *ticks):
            await asyncio.get_running_loop().create_future()

    async def _note_running(self) -> None:
        self._runs = True
        if self._paused is None:
            await self._writer.change(lambda c: note_state(c, self.name, "running", ""))
        log.info("plugin.running %s", self.name)
        self.placed.set()

    async def _open_gate(self, instance: Instance, standing: Standing) -> Gate:
        settings, digests = instance.settings, instance.digest is not None
        gate = Gate(self.name, settings.match, settings.suppress, self._snoozes, digests=digests)
        await gate.load(self._writer, self._log, standing.position, utc_now())
        return gate

    def _list_ticks(self, stands: Callable[[], bool]) -> list[Coroutine[Any, Any, None]]:
        """Return what calls `tick`, if the plugin has it, except while it stands or is not up."""
        instance = self.loaded.instance
        if instance.tick is None:
            return []
        waits = lambda: stands() or not self._is_up  # noqa: E731 - it is this one's only name
        return [Ticking(instance, self._writer, self._log, utc_now, stands=waits).run()]

    @property
    def _is_up(self) -> bool:
        """Whether the plugin can be called: its process, if it has one, is not being started again."""
        return self.loaded.plugin.is_up if isinstance(self.loaded.plugin, Isolated) else True

    def _keeps_digests(self, live: Runner) -> bool:
        return live.stands or live.probes or not self._is_up

    def start_replay(self, replay: Replay) -> None:
        """Deliver a range once more, beside the live run, unless that is being done already."""
        if self._group is None or replay.id in self._replays:
            return
        task = self._group.create_task(self._replay(replay), name=f"replay {replay.id} to {self.name}")
        self._replays[replay.id] = task
        task.add_done_callback(lambda _: self._replays.pop(replay.id, None))

    async def stop_replay(self, number: int) -> None:
        """End a replay's deliveries; those under way are finished."""
        task = self._replays.get(number)
        if task is not None:
            await asyncio.gather(*(r.drain(DRAIN_S) for r in self.runners if r.run_id == str(number)))
            task.cancel()
            await asyncio.wait([task])

    async def _replay(self, replay: Replay) -> None:
        try:
            runner = await self._make_replay_runner(replay)
        except Exception as error:  # noqa: BLE001 - it is taken up at the next start; the live run goes on
            log.error("replay.failed %d %s: %s", replay.id, self.name, error)  # noqa: TRY400 - all is said
            return
        if self._paused is not None:
            runner.pause(self._paused)
        self.runners.append(runner)
        log.info("replay.begun %d %s", replay.id, self.name)
        try:
            await runner.run()
        finally:
            self.runners.remove(runner)
        await self._writer.change(lambda c: end_replay(c, replay.id, "finished"))
        log.info("replay.finished %d %s", replay.id, self.name)

    async def _make_replay_runner(self, replay: Replay) -> Runner:
        past = Past(await self._log.past(self.name))
        instance = _at_replay_pace(self.loaded.instance, replay)
        feed = ReplayFeed(replay, past, instance.settings.match, self._log)
        start = replay.first - 1
        standing = await self._writer.change(lambda c: open_cursor(c, self.name, start, replay.run_id))
        return Runner(instance, standing, self._writer, self._log, self._frames, feed=feed)

    async def _note_process(self, state: PluginState, reason: str) -> None:
        """Note what became of the plugin's process; that it is paused or probed says more than "running"."""
        await self._writer.change(lambda c: note_state(c, self.name, state, reason[:2000]))
        if state == "running":
            for runner in self.runners:
                runner.tell_what_holds()

    def _note_soon(self, state: PluginState, reason: str) -> None:
        level = logging.WARNING if state == "probing" else logging.INFO
        log.log(level, "plugin.%s %s: %s", state, self.name, reason or "goes on")
        if state == "running" and isinstance(self.loaded.plugin, Isolated):
            state, reason = self.loaded.plugin.tell()
        self._writer.change_soon(lambda c: note_state(c, self.name, state, reason[:2000]))

    async def _note_broken(self, reason: str) -> None:
        log.error("plugin.failed %s: %s", self.name, reason)
        await self._writer.change(lambda c: note_state(c, self.name, "failed", reason[:2000]))


def _describe_failure(error: BaseException) -> str:
    """Return why an instance cannot run, as its state in the store says it."""
    return clean(str(error)) if isinstance(error, PluginFailed) else in_words(error)


def _at_replay_pace(instance: Instance, replay: Replay) -> Instance:
    """Return the instance as a replay delivers to it: few at a time, and with the age limit if that holds."""
    settings = instance.settings
    changed: dict[str, object] = {"concurrency": min(REPLAYED_AT_A_TIME, settings.concurrency)}
    if replay.any_age:
        changed["max_age_s"] = None
    return dataclasses.replace(instance, settings=settings.model_copy(update=changed), at_a_time=0)

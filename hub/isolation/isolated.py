"""A plugin instance whose code runs in a process of its own: dispatch calls this in its place.

The process is started with the instance, and again, after pauses that grow, whenever it ends. What was being
delivered then counts as a failed attempt; what had not begun waits for the next process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic_core import to_jsonable_python

from hub.dispatch.delivery import EventDelivery
from hub.dispatch.frame import FrameOnDisk
from hub.dispatch.instance import InstanceSettings
from hub.errors import DeliveryError, HubError
from hub.event import Event, Plain
from hub.isolation.lines import (
    Answer,
    Cancel,
    Close,
    Ended,
    FrameLine,
    Raised,
    Ready,
    Said,
    Start,
    Status,
    TellDigest,
    Tick,
    as_line,
    deliver_line,
)
from hub.isolation.process import PluginProcess
from hub.isolation.questions import Questions
from hub.isolation.raised import rebuild
from hub.loading import Loaded
from hub.plugin import Digest
from hub.store.plugin_state import PluginState
from hub.words import count_of

log = logging.getLogger(__name__)

AT_A_TIME = 64
"""Deliveries handed to a process at a time; `concurrency` of them run, the others wait in the pipe."""
START_S = 50.0  # before dispatch's own patience ends
CANCEL_S = 1.0
LAST_S = 5.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
CALM_S = 60.0
"""A process that ran for so long is started again after the first pause."""

ToldState = Callable[[PluginState, str], Awaitable[None]]


class ProcessEnded(DeliveryError):  # noqa: N818 - the name is shown to people
    """The plugin's process ended while it delivered this event."""


class PluginFailed(HubError):  # noqa: N818 - likewise
    """The plugin cannot be made, or entered, in its process. Carries every problem found."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(slots=True, eq=False)
class _Call:
    """A delivery, digest or tick that was handed over as `line`, until its result is known."""

    number: int
    what: str
    line: bytes
    delivery: EventDelivery
    result: asyncio.Future[str | None]
    is_cancelled: bool = False


def _fail(call: _Call, why: str) -> None:
    if not call.result.done():
        call.result.set_exception(ProcessEnded(f"the plugin's process ended: {why}"))


def _frame_line(frame: FrameOnDisk | None) -> FrameLine | None:
    if frame is None:
        return None
    return FrameLine(
        digest=frame.digest,
        width=frame.width,
        height=frame.height,
        media_type=frame.media_type,
        path=str(frame.path),
    )


class Isolated:
    """The plugin object of an instance with `isolation = "process"`.

    Args:
        table: Its table in hub.toml.
        told_state: Awaited with "running" or "restarting", and what there is to know, when that changes.
    """

    def __init__(self, name: str, settings: InstanceSettings, table: dict[str, Any], data_dir: Path) -> None:
        self.name = name
        self.told_state: ToldState | None = None
        self._settings = settings
        self._table = table
        self._data_dir = data_dir
        self._numbers = 0
        self._waiting: deque[_Call] = deque()
        self._running: dict[int, _Call] = {}
        self._beside: dict[int, _Call] = {}
        self._hooks: frozenset[str] = frozenset()
        self._unsent: list[bytes] = []
        self._questions = Questions(self._tell)
        self._process: PluginProcess | None = None
        self._up = False
        self._ready: asyncio.Future[Ready] | None = None
        self._ends = 0
        self._last_end = ""
        self._status = Status()

    @property
    def is_up(self) -> bool:
        """Whether its process runs and has entered the plugin."""
        return self._up

    def complete(self, loaded: Loaded) -> Loaded:
        """Return the instance with the hooks that the plugin turned out to have, once it is entered."""
        called: dict[str, Callable[..., Any]] = {
            "digest": self.digest,
            "tick": self.tick,
            "status": self.status,
        }
        hooks = {name: hook for name, hook in called.items() if name in self._hooks}
        instance = replace(loaded.instance, digest=hooks.get("digest"), tick=hooks.get("tick"))
        return replace(loaded, instance=instance, hooks=hooks | {"deliver": self.deliver})

    def tell(self) -> tuple[PluginState, str]:
        """Return how its process is doing."""
        if self._up:
            return "running", self._last_end
        return "restarting", "its process is started again"

    async def __aenter__(self) -> Self:
        await self._start()
        self._keeping = asyncio.create_task(self._keep(), name=f"keep the process of {self.name}")
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        if self._process is not None:
            await self._process.stop()
        await self._questions.end()

    async def deliver(self, event: Event, frame: FrameOnDisk | None, delivery: EventDelivery) -> str | None:
        """Deliver in the process; ends as the plugin's own `deliver` would.

        Raises:
            ProcessEnded: The process ended meanwhile.
        """
        number = self._next_number()
        line = deliver_line(number, delivery.attempt, _frame_line(frame), event)
        result = asyncio.get_running_loop().create_future()
        call = _Call(number, f"event {event.id}", line, delivery, result)
        delivery.stands_still = partial(self._stands_still, number)
        self._waiting.append(call)
        if self._up:
            self._send(line)
            self._hand_over()
        return await self._result(call)

    async def digest(self, digest: Digest, frame: FrameOnDisk | None, delivery: EventDelivery) -> str | None:
        """Deliver a digest in the process; ends as the plugin's own `digest` would, or with ProcessEnded."""
        said = TellDigest(
            number=self._next_number(), attempt=delivery.attempt, frame=_frame_line(frame), digest=digest
        )
        return await self._call_beside(said, f"digest {digest.number}", delivery)

    async def tick(self, now: datetime, delivery: EventDelivery) -> None:
        """Tick in the process; ends as the plugin's own `tick` would, or with ProcessEnded."""
        await self._call_beside(Tick(number=self._next_number(), now=now), "a tick", delivery)

    def status(self) -> str | None:
        """Return what the plugin's `status` said last, or raise what it raised; None while it is not up."""
        if self._status.raised is not None:
            raise rebuild(self._status.raised)
        return self._status.said if self._up else None

    async def _call_beside(self, said: TellDigest | Tick, what: str, delivery: EventDelivery) -> str | None:
        if not self._up:
            raise ProcessEnded("the plugin's process is being started again")
        result = asyncio.get_running_loop().create_future()
        call = self._beside[said.number] = _Call(said.number, what, as_line(said), delivery, result)
        self._send(call.line)
        try:
            return await self._result(call)
        finally:
            self._beside.pop(said.number, None)

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _result(self, call: _Call) -> str | None:
        try:
            return await call.result
        except asyncio.CancelledError:
            return await self._cancel(call)
        finally:
            await self._questions.settle(call.delivery)

    def _stands_still(self, number: int) -> bool:
        """Whether a delivery cannot go on: the process has yet to begin it, or another blocks the process.

        It begins them in the order of their numbers.
        """
        if not self._up or self._process is None:
            return True
        cells = self._process.cells
        return number > cells.begun or (cells.on_loop not in {0, number} and cells.is_stuck())

    def _hand_over(self) -> None:
        """Note which deliveries the process begins with, as far as it gets."""
        while self._waiting and len(self._running) < self._settings.concurrency:
            call = self._waiting.popleft()
            self._running[call.number] = call

    async def _cancel(self, call: _Call) -> str | None:
        """Ask for a cancellation; without an answer the process is ended."""
        call.result = asyncio.get_running_loop().create_future()
        call.is_cancelled = True
        self._tell(Cancel(kind="cancel", number=call.number))
        if call in self._waiting:
            self._waiting.remove(call)
            raise asyncio.CancelledError
        done, _ = await asyncio.wait([call.result], timeout=CANCEL_S)
        if not done and self._process is not None:
            self._process.kill(f"the delivery of {call.what} took too long and would not be cancelled")
            done, _ = await asyncio.wait([call.result], timeout=LAST_S)
        error = call.result.exception() if done else None
        if not done or isinstance(error, ProcessEnded) or type(error).__name__ == "CancelledError":
            raise asyncio.CancelledError
        return call.result.result()

    async def try_out(self) -> None:
        """Make the plugin in a process, and end that; raises PluginFailed with what is wrong, or OSError."""
        ready = self._ready = asyncio.get_running_loop().create_future()
        first = self._first_line().model_copy(update={"only_try": True})
        process = await PluginProcess.start(first, self._hear)
        try:
            await self._wait_ready(process, ready)
        finally:
            process.kill("")
            await process.ended

    async def _start(self) -> None:
        """Start the process and wait until the plugin is entered; raises PluginFailed where that fails."""
        self._ready = asyncio.get_running_loop().create_future()
        process = self._process = await PluginProcess.start(self._first_line(), self._hear)
        try:
            await self._wait_ready(process, self._ready)
        except BaseException:
            process.kill("it did not start")
            await asyncio.wait([process.ended], timeout=LAST_S)
            raise
        self._up = True
        for call in self._waiting:
            self._send(call.line)
        self._hand_over()

    async def _wait_ready(self, process: PluginProcess, ready: asyncio.Future[Ready]) -> None:
        first: set[asyncio.Future[Any]] = {ready, process.ended}
        await asyncio.wait(first, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            why = process.ended.result() if process.ended.done() else f"not ready after {START_S:g} s"
            raise PluginFailed(f"plugins.{self.name}: its process did not start: {why}")
        if problems := ready.result().problems:
            raise PluginFailed(*problems)
        self._hooks = ready.result().hooks

    def _first_line(self) -> Start:
        return Start(
            name=self.name,
            table=to_jsonable_python(self._table),
            data_dir=str(self._data_dir),
            path=sys.path,
            memory_mb=self._settings.memory_mb,
            hub_pid=os.getpid(),
            cells=-1,  # known once there is a process
            log_level=logging.getLogger(f"plugins.{self.name}").getEffectiveLevel(),
        )

    async def _keep(self) -> None:
        """Start the process again whenever it has ended."""
        quick_ends = 0
        while True:
            started = time.monotonic()
            why = await asyncio.shield(self._process.ended)  # type: ignore[union-attr] # it was started
            self._up = False
            await self._fail_running(why)
            self._ends += 1
            self._last_end = f"its process ended {count_of(self._ends, 'time')}; the last time {why}"
            if time.monotonic() - started > CALM_S:
                quick_ends = 0
            while not await self._start_again(why, PAUSES_S[min(quick_ends, len(PAUSES_S) - 1)]):
                quick_ends += 1
            quick_ends += 1

    async def _start_again(self, why: str, pause_s: float) -> bool:
        log.warning("plugin.ended %s: %s; its process is started again in %g s", self.name, why, pause_s)
        await self._say("restarting", f"{why}; its process is started again after {pause_s:g} s")
        await asyncio.sleep(pause_s)
        try:
            await self._start()
        except (PluginFailed, OSError) as error:
            log.warning("plugin.failing %s: %s", self.name, error)
            return False
        log.info("plugin.running %s again", self.name)
        await self._say("running", self._last_end)
        return True

    async def _say(self, state: PluginState, reason: str) -> None:
        if self.told_state is None:
            return
        try:
            await self.told_state(state, reason)
        except Exception as error:  # noqa: BLE001 - the process is more than the word about it
            log.warning("plugin.state of %s could not be written: %s", self.name, error)

    async def _fail_running(self, why: str) -> None:
        """Fail what was being delivered; where the culprit is known, the others are delivered again."""
        await self._questions.end()
        calls, self._running = list(self._running.values()), {}
        beside = list(self._beside.values())
        cells = self._process.cells  # type: ignore[union-attr] # it was started
        culprits = {
            call.number for call in (*calls, *beside) if call.is_cancelled or call.number == cells.on_loop
        }
        for call in reversed(calls):
            begun = call.number <= cells.begun
            innocent = bool(culprits) and call.number not in culprits and not call.delivery.left_unknown
            if not call.is_cancelled and (innocent or not begun):
                self._waiting.appendleft(call)
            else:
                _fail(call, why)
        for call in beside:
            _fail(call, why)

    def _tell(self, said: Plain) -> None:
        if self._up:
            self._send(as_line(said))

    def _send(self, line: bytes) -> None:
        """Send a line, with all others of this turn of the loop in one write."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._write)
        self._unsent.append(line)

    def _write(self) -> None:
        lines, self._unsent = b"".join(self._unsent), []
        if self._process is not None and self._up:
            self._process.write(lines)

    def _hear(self, said: Said) -> None:
        if isinstance(said, Ended):
            self._take_result(said)
        elif isinstance(said, Status):
            self._status = said
        elif isinstance(said, Close):
            self._questions.close(said)
        elif isinstance(said, Ready):
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(said)
        elif call := self._running.get(said.number) or self._beside.get(said.number):
            self._questions.ask(said, call.delivery)
        else:
            gone = Raised(name="DeliveryError", text="the delivery has ended; ask before `deliver` returns")
            self._tell(Answer(question=said.question, raised=gone))

    def _take_result(self, ended: Ended) -> None:
        call = self._running.pop(ended.number, None) or self._beside.pop(ended.number, None)
        if call is None:
            return
        self._hand_over()
        if call.result.done():  # cancelled this moment
            return
        if ended.raised is None:
            call.result.set_result(ended.note)
        else:
            call.result.set_exception(rebuild(ended.raised))

"""A plugin's own process: `python -m hub.isolation.worker`, started by the hub, which speaks first."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop

from hub.authored import clean, in_words
from hub.dispatch.frame import FrameOnDisk
from hub.isolation.cells import Cells
from hub.isolation.lines import (
    Cancel,
    Deliver,
    Ended,
    FrameLine,
    FromHub,
    Raised,
    Ready,
    Start,
    Status,
    TellDigest,
    Tick,
)
from hub.isolation.raised import describe
from hub.isolation.remote import Pipe, RemoteDelivery
from hub.loading import Broken, Loaded, load_instance
from hub.watchdog.steps import context_for, make_task, mark_event

CALLED = {"deliver", "digest", "tick", "status"}
"""The hooks that are called in this process."""
STATUS_S = 5.0
PR_SET_PDEATHSIG = 1
READ_BYTES = 262_144
MB = 1 << 20
_MARKS = {logging.ERROR: "<3>", logging.WARNING: "<4>", logging.INFO: "<6>", logging.DEBUG: "<7>"}


class _MarkedLines(logging.Formatter):
    """One line a record, with its level in front as systemd and the hub read it."""

    def format(self, record: logging.LogRecord) -> str:
        mark = _MARKS.get(record.levelno, "<6>" if record.levelno < logging.ERROR else "<3>")
        return "\n".join(mark + line for line in super().format(record).splitlines())


class Worker:
    """Delivers what the hub sends, in order, `concurrency` at a time; digests and ticks at once, besides."""

    def __init__(self, loaded: Loaded, pipe: Pipe, cells: Cells) -> None:
        self._cells = cells
        self._instance = loaded.instance
        self._pipe = pipe
        self._waiting: deque[Deliver] = deque()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._free = loaded.instance.settings.concurrency

    def hear(self, line: bytes) -> None:
        """Take one line of the hub's."""
        said = FromHub.validate_json(line)
        if isinstance(said, Deliver):
            self._waiting.append(said)
            self._begin()
        elif isinstance(said, TellDigest | Tick):
            task = self._create_task(self._work_beside(said))
            self._running[said.number] = task  # before any step, so that a cancellation finds it
            task.add_done_callback(lambda task: self._tell_unbegun(said.number, task))
        elif isinstance(said, Cancel):
            self._cancel(said.number)
        else:
            self._pipe.hear(said)

    def _create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        context = context_for(self._instance.name, self._cells)
        return asyncio.get_running_loop().create_task(work, context=context)

    def _begin(self) -> None:
        while self._waiting and self._free:
            self._free -= 1
            self._create_task(self._work())

    async def _work(self) -> None:
        """Deliver one after the other until nothing waits."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs in one
        while self._waiting:
            asked = self._waiting.popleft()
            self._running[asked.number] = task
            self._cells.begin(asked.number)
            mark_event(asked.number)
            ended = await self._deliver(asked)
            del self._running[asked.number]
            self._pipe.say(ended)
        self._free += 1

    async def _work_beside(self, asked: TellDigest | Tick) -> None:
        mark_event(asked.number)
        ended = await self._attempt(asked.number, self._call_beside(asked))
        del self._running[asked.number]
        self._pipe.say(ended)

    def _tell_unbegun(self, number: int, task: asyncio.Task[None]) -> None:
        """Say of what was cancelled before its first step that it ended."""
        if task.cancelled():
            del self._running[number]
            self._pipe.say(_cancelled(number))

    async def _call_beside(self, asked: TellDigest | Tick) -> object:
        instance = self._instance
        if isinstance(asked, Tick):
            assert instance.tick is not None  # noqa: S101 - the hub was told which hooks there are
            await instance.tick(asked.now, self._delivery(asked.number, 1))
            return None
        assert instance.digest is not None  # noqa: S101 - likewise
        delivery = self._delivery(asked.number, asked.attempt)
        return await instance.digest(asked.digest, _frame(asked.frame), delivery)

    def _delivery(self, number: int, attempt: int) -> RemoteDelivery:
        return RemoteDelivery(self._instance.name, attempt, number, self._pipe)

    def _cancel(self, number: int) -> None:
        if task := self._running.get(number):
            task.cancel()
        else:
            self._waiting = deque(asked for asked in self._waiting if asked.number != number)
            self._pipe.say(_cancelled(number))

    async def _deliver(self, asked: Deliver) -> Ended:
        delivery = self._delivery(asked.number, asked.attempt)
        call = self._instance.deliver(asked.event, _frame(asked.frame), delivery)
        return await self._attempt(asked.number, call)

    async def _attempt(self, number: int, call: Awaitable[object]) -> Ended:
        try:
            returned = await call
        except BaseException as error:  # noqa: BLE001 - the hub judges it
            if (task := asyncio.current_task()) and task.cancelling():
                task.uncancel()
            return Ended(number=number, raised=describe(error))
        if returned is None or isinstance(returned, str):
            return Ended(number=number, note=returned and clean(returned))
        text = f"returned {type(returned).__name__}; deliver must return None or a note (str)"
        return Ended(number=number, raised=Raised(name="Reject", signal="Reject", text=text))


def _cancelled(number: int) -> Ended:
    return Ended(number=number, raised=describe(asyncio.CancelledError()))


def _frame(found: FrameLine | None) -> FrameOnDisk | None:
    if found is None:
        return None
    return FrameOnDisk(found.digest, found.width, found.height, found.media_type, Path(found.path))


class _Lines(asyncio.Protocol):
    """Gives lines to the worker; `closed` is done when the hub has closed the pipe."""

    def __init__(self, worker: Worker, pipe: Pipe) -> None:
        self._worker = worker
        self._pipe = pipe
        self._rest = b""
        self.closed = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._worker.hear(line)

    def connection_lost(self, error: Exception | None) -> None:
        self._pipe.leave_if_forked()
        if not self.closed.done():
            self.closed.set_result(None)


async def _run(loaded: Loaded, source: int, pipe: Pipe, cells: Cells) -> None:
    asyncio.get_running_loop().set_task_factory(make_task)  # type: ignore[arg-type] # it makes tasks
    async with AsyncExitStack() as stack:
        try:
            if hasattr(loaded.plugin, "__aenter__"):
                await stack.enter_async_context(loaded.plugin)
        except BaseException as error:  # noqa: BLE001 - the author's code
            pipe.say(Ready(problems=(in_words(error),)))
            return
        pipe.say(Ready(hooks=_hooks(loaded)))
        lines = _Lines(Worker(loaded, pipe, cells), pipe)
        await asyncio.get_running_loop().connect_read_pipe(lambda: lines, os.fdopen(source, "rb", 0))
        asking = asyncio.create_task(_tell_status(loaded, pipe))
        await lines.closed
        asking.cancel()


async def _tell_status(loaded: Loaded, pipe: Pipe) -> None:
    """Ask the plugin how it is doing, if it can say, and tell the hub whenever that changes."""
    ask, told = loaded.hooks.get("status"), Status()
    while ask is not None:
        status = _ask_status(ask)
        if status != told:
            pipe.say(status)
        told = status
        await asyncio.sleep(STATUS_S)


def _ask_status(ask: Callable[[], object]) -> Status:
    try:
        said = ask()
    except BaseException as error:  # noqa: BLE001 - the author's code
        return Status(raised=describe(error))
    if said is None or isinstance(said, str):
        return Status(said=said and clean(said))
    return Status(raised=describe(TypeError(f"returned {type(said).__name__}, not text or None")))


def _read_start(source: int) -> Start:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(source, 1)  # not a byte of what follows
        if not piece:
            raise SystemExit("the hub said nothing")
        line += piece
    return Start.model_validate_json(line)


def _keep_pipes() -> tuple[int, int]:
    """Return the pipes from and to the hub, out of reach of the plugin's `print` and `input`."""
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.register_at_fork(after_in_child=lambda: _cut_off(source, sink))
    return source, sink


def _cut_off(source: int, sink: int) -> None:
    """Keep a forked child from speaking for its parent: it reads the end, and what it says is lost."""
    end, other = os.pipe()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(end, source, inheritable=False)
    os.dup2(null, sink, inheritable=False)
    for descriptor in (end, other, null):
        os.close(descriptor)


def _limit(start: Start) -> None:
    """Bound the process's own memory, and have it end with the hub."""
    most = start.memory_mb * MB
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != start.hub_pid:  # it was gone before that took hold
        raise SystemExit("the hub is gone")


def _load(start: Start) -> Loaded | Broken:
    sys.path[:] = start.path
    own = {name: value for name, value in start.table.items() if name not in {"isolation", "memory_mb"}}
    return load_instance(start.name, own, Path(start.data_dir))


def _hooks(loaded: Loaded) -> frozenset[str]:
    return frozenset(loaded.hooks.keys() & CALLED)


def _list_problems(loaded: Loaded | Broken, name: str) -> tuple[str, ...]:
    """Return what keeps the plugin from running here; hooks that nobody here would call are refused."""
    if isinstance(loaded, Broken):
        return loaded.problems
    implemented = {attribute for attribute in dir(type(loaded.plugin)) if _is_hook(loaded.plugin, attribute)}
    if "deliver" not in implemented:
        return (f"plugins.{name}.isolation: this plugin has no deliver hook; leave the setting out",)
    left = ", ".join(sorted(implemented - CALLED))
    if not left:
        return ()
    where = "is called in the hub itself, not in a process of the plugin's own; leave `isolation` out"
    return (f"plugins.{name}.isolation: the hook {left} {where}",)


def _is_hook(plugin: object, attribute: str) -> bool:
    return hasattr(getattr(type(plugin), attribute, None), "lenshub_impl")


def main() -> None:
    """Be the plugin that the first line names, until the hub closes the pipe."""
    source, sink = _keep_pipes()
    start = _read_start(source)
    _limit(start)
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(_MarkedLines("%(message)s"))
    logging.basicConfig(level=start.log_level, handlers=[output])
    cells = Cells(start.cells)
    os.close(start.cells)
    pipe = Pipe(sink)
    loaded = _load(start)
    problems = _list_problems(loaded, start.name)
    if isinstance(loaded, Broken) or problems or start.only_try:
        pipe.say(Ready(problems=problems))
        return
    with contextlib.suppress(BrokenPipeError):  # the hub is gone
        uvloop.run(_run(loaded, source, pipe, cells))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # whatever threads the plugin has left


if __name__ == "__main__":
    main()

"""Runs the function in a process of its own, hears what it says, and starts it again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.deeplens.channel import MAX_LINE_BYTES, MAX_PAYLOAD_BYTES, find_problem
from edge.deeplens.outbox import Outbox
from edge.deeplens.output import Blotter, relay
from edge.deeplens.report import Report
from edge.spool_file import SpoolError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 60.0  # a function that ran for so long starts again after the first pause
SILENCE_S = 60.0  # a function that takes no frame for so long is reported
STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run: the function's file, the device's name, the model folder, the camera, the frames' size."""

    function: Path
    thing: str
    model_dir: Path
    source: str
    size: tuple[int, int]
    hidden: tuple[str, ...] = ()
    """Environment variables that the function must not see."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that are blotted out of what it prints, should it come upon them."""


class Supervisor:
    """Keeps one function running.

    Args:
        settings: What to run.
        outbox: Where its messages go.
        published: Called after each message that is on the disk.
        status: Told `error` with a text, or `online`.
        show: Prints a line.
    """

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        published: Callable[[], object],
        status: Callable[[str, str], object],
        show: Callable[[str], object],
    ) -> None:
        self.report = Report()
        self._settings, self._outbox = settings, outbox
        self._published, self._status, self._show = published, status, show
        self._environment = environment(settings)
        self._blotter = Blotter(self._environment)
        for secret in settings.secrets:
            self._blotter.learn(secret)
        self._reason = ""
        self._well = True
        self._heard: set[tuple[str, str]] = set()
        self._frame_at = 0.0
        self._frames = 0

    async def run(self) -> None:
        """Run the function again and again, with growing pauses, until cancelled."""
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        while True:
            began, self._reason, self._frames = loop.time(), "", 0
            code = await self._run_once()
            pause_s = FIRST_PAUSE_S if loop.time() - began > STEADY_S else pause_s
            self._note_end(code, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _note_end(self, code: int, pause_s: float) -> None:
        if code == 0 and not self._reason:
            text = "it ended by itself (a DeepLens function loops for ever: does its file call the loop?)"
        else:
            self.report.crashes += 1
            text = f"it crashed: {self._reason or _words(code)}"
        self._trouble(f"{text}; started again in {pause_s:.0f} s")

    async def _run_once(self) -> int:
        ours, theirs = socket.socketpair()
        # not asyncio's own pipe: with that, waiting for the process would wait for its output's end, too
        printed, prints = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "edge.deeplens.child",
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=prints,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env=self._environment,
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(prints)
        try:
            await self._attend(process, ours, printed)
        finally:
            await _end(process)
        return process.returncode or 0

    async def _attend(self, process: asyncio.subprocess.Process, ours: socket.socket, printed: int) -> None:
        """Listen to what it says and prints until it has ended."""
        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        writer.write(json.dumps(self._introduction()).encode() + b"\n")
        self._frame_at = asyncio.get_running_loop().time()
        output, pipe = await _open_pipe(printed)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(reader, writer), name="function-says")
                relaying = relay(output, self._blotter, lambda line: self._show(f"function: {line}"))
                printing = tasks.create_task(relaying, name="function-prints")
                watching = tasks.create_task(self._watch_silence(), name="function-silence")
                await process.wait()
                watching.cancel()
                _kill_group(process.pid)  # what it started and left would hold its output open
                await asyncio.wait([printing], timeout=STOP_S)
                printing.cancel()
        finally:
            pipe.close()
            writer.close()

    def _introduction(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "function": str(settings.function),
            "model_dir": str(settings.model_dir),
            "source": settings.source,
            "size": list(settings.size),
        }

    async def _watch_silence(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(1.0, self._frame_at + SILENCE_S - loop.time()))
            if loop.time() - self._frame_at > SILENCE_S:
                self._trouble(f"it has taken no frame for {SILENCE_S:.0f} s")

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what the function's process says until it is gone; what it says is not trusted."""
        try:
            while line := await reader.readline():
                said = json.loads(line)
                if said["kind"] == "publish":
                    await self._publish(reader, writer, str(said["topic"]), int(said["size"]))
                else:
                    self._hear(str(said["kind"]), str(said["text"]))
        except (ValueError, KeyError, TypeError, asyncio.IncompleteReadError, ConnectionError):
            return  # the function wrote on our line, or died amid a word: it can no longer be heard

    async def _publish(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, topic: str, size: int
    ) -> None:
        problem = find_problem(topic, size)
        if not 0 <= size <= MAX_PAYLOAD_BYTES:
            raise ValueError(problem)
        payload = await reader.readexactly(size)
        if problem is None:
            problem = await self._keep(topic, payload)
        writer.write(json.dumps({"error": problem}).encode() + b"\n")
        await writer.drain()

    async def _keep(self, topic: str, payload: bytes) -> str | None:
        dropped = self._outbox.dropped
        try:
            await asyncio.to_thread(self._append, topic, payload)
        except SpoolError as error:
            return f"publish failed: {error}"
        if self._outbox.dropped > dropped:
            self._show(f"spool: over its quota; {self._outbox.dropped} of the oldest messages thrown away")
        self._published()
        return None

    def _append(self, topic: str, payload: bytes) -> None:
        """Keep and count a message, both although the function is stopped meanwhile."""
        self._outbox.append(topic, payload)
        self.report.published += 1

    def _hear(self, kind: str, text: str) -> None:
        if kind == "frame":
            self._count_frame()
        elif kind == "inference":
            self.report.inferences += 1
        elif kind == "secret":
            self._blotter.learn(text)
        elif kind == "crash":
            self._reason = self._blotter.clean(text)
        elif kind in ("repair", "missing", "mapping", "note"):
            self._note(kind, self._blotter.clean(text))
        else:
            self._trouble(self._blotter.clean(text))

    def _count_frame(self) -> None:
        self.report.frames += 1
        self._frames += 1
        self.report.longest = max(self.report.longest, self._frames)
        self._frame_at = asyncio.get_running_loop().time()
        if not self._well and not self._reason:
            self._well = True
            self._status("online", "")

    def _note(self, kind: str, text: str) -> None:
        if (kind, text) in self._heard:
            return
        self._heard.add((kind, text))
        if kind == "repair":
            self.report.repairs.append(text)
        elif kind == "missing":
            self.report.missing.append(text)
            text = f"{text} (install it: pip install {text})"
        self._show(f"{kind}: {text}")

    def _trouble(self, text: str) -> None:
        self._well = False
        self._show(f"trouble: {text}")
        self._status("error", f"{self._settings.function.name}: {text}")


def environment(settings: Settings) -> dict[str, str]:
    """Return what the function finds in its environment: ours, and what Greengrass set on the device."""
    ours = {name: value for name, value in os.environ.items() if name not in settings.hidden}
    region = ours.get("AWS_REGION") or ours.get("AWS_DEFAULT_REGION") or "us-east-1"
    return ours | {
        "AWS_IOT_THING_NAME": settings.thing,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": settings.function.stem,
        "LAMBDA_TASK_ROOT": str(settings.function.parent),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8:replace",
        "PYTHONWARNINGS": "ignore",
    }


def _words(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            hint = " (out of memory?)" if code == -signal.SIGKILL else ""
            return f"killed by {signal.Signals(-code).name}{hint}"
    return f"exit code {code}"


async def _open_pipe(number: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    """Return what reads a pipe, given as a file descriptor; its transport is to be closed."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(number, "rb", 0)
    )
    return reader, transport


async def _end(process: asyncio.subprocess.Process) -> None:
    """Stop it if it still runs: asked first, then killed with everything it started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await process.wait()
    _kill_group(process.pid)
    await process.wait()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)

"""A plugin's process as the hub sees it: started, spoken to in lines, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from tempfile import TemporaryFile

from pydantic import ValidationError

from hub.isolation.cells import BYTES, Cells
from hub.isolation.chatter import Chatter
from hub.isolation.lines import LONGEST_LINE, FromProcess, Said, Start, as_line

READ_BYTES = 262_144
END_S = 3.0
LAST_WORDS_S = 1.0
LOOK_S = 0.05
COMMAND = (sys.executable, "-P", "-m", "hub.isolation.worker")


class PluginProcess:
    """One process, from its start to its end; `ended` is done with how it ended.

    Args:
        hear: Called with each line that the process says, in order.
    """

    def __init__(self, process: Process, name: str, hear: Callable[[Said], None], cells: Cells) -> None:
        self.cells = cells
        self._process = process
        self._chatter = Chatter(name)
        self._hear = hear
        self._why = ""
        self.ended: asyncio.Task[str] = asyncio.create_task(self._attend(), name=f"process of {name}")

    @classmethod
    async def start(cls, start: Start, hear: Callable[[Said], None]) -> PluginProcess:
        """Start a process and tell it which instance it is; raises OSError where none can be made."""
        with TemporaryFile() as file:
            file.truncate(BYTES)
            cells, shared = Cells(file.fileno()), file.fileno()
            process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, pass_fds=(shared,)
            )
        started = cls(process, start.name, hear, cells)
        started.write(as_line(start.model_copy(update={"cells": shared})))
        return started

    def write(self, lines: bytes) -> None:
        """Send lines; what a dead process does not take is dropped."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(lines)

    def kill(self, why: str) -> None:
        """End it at once, with whatever it started in turn that stayed in its group."""
        self._why = self._why or why
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Let it leave the plugin's context and end; after three seconds it is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait([self.ended], timeout=END_S)
        self.kill("it did not stop when asked to")
        await asyncio.wait([self.ended], timeout=END_S)

    async def _attend(self) -> str:
        """Return how it ended, once it has and everything that it said was heard."""
        listening, logging = asyncio.create_task(self._listen()), asyncio.create_task(self._log())
        exiting = asyncio.create_task(self._exit())
        await asyncio.wait([listening, exiting], return_when=asyncio.FIRST_COMPLETED)
        self.kill("")  # what it left behind in its group
        code = await exiting
        await asyncio.wait([listening, logging], timeout=LAST_WORDS_S)  # others may still hold those pipes
        self._process._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 - else they stay open
        for reading in (listening, logging):
            reading.cancel()
        self._chatter.end()
        return self._why or _describe(code)

    async def _exit(self) -> int:
        """Return the exit code once it stands; `wait()` may wait for pipes that children hold, as well."""
        while (code := self._process.returncode) is None:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(LOOK_S)
        return code

    async def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        rest = b""
        while data := await self._process.stdout.read(READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > LONGEST_LINE:
                self.kill(f"it said a line of more than {LONGEST_LINE} bytes")
                rest = b""
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        if self._why:
            return  # what it says after it was given up does not count
        try:
            said = FromProcess.validate_json(line)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            self.kill(f"it said what cannot be read: {problem['msg']}")
        else:
            self._hear(said)

    async def _log(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was asked for
        while data := await self._process.stderr.read(READ_BYTES):
            self._chatter.feed(data)


def _describe(code: int) -> str:
    if code >= 0:
        return f"it ended by itself, with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"it was ended by {name}"

"""Runs our own programs for a demo, each with its log in a file, and ends them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hub.errors import HubError

START_S = 60.0
STOP_S = 15.0


@asynccontextmanager
async def running(
    folder: Path,
    name: str,
    module: str,
    *arguments: str,
    entry: str = "app",
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one of our programs; its log goes to `name`.log in the folder. Ended on leaving, if it still runs.

    Args:
        entry: What is called in the module.
        environment: What is set beside what this process has.
    """
    with (folder / f"{name}.log").open("wb") as log, (folder / f"{name}.out").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"from {module} import {entry}; {entry}()",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            env=os.environ | (environment or {}),
            start_new_session=True,  # Ctrl-C is for the demo, which then stops them in order
        )
        try:
            yield process
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def wait_until_ready(log: Path, hub: asyncio.subprocess.Process, words: Sequence[str]) -> None:
    """Wait until a hub's log has all of these words.

    Raises:
        HubError: The hub ended, or takes too long.
    """
    deadline = time.monotonic() + START_S
    while not _has(log, words):
        if hub.returncode is not None or time.monotonic() > deadline:
            raise HubError(f"the hub does not start: {last_words(log)}")
        await asyncio.sleep(0.05)


def _has(log: Path, words: Sequence[str]) -> bool:
    said = log.read_text(encoding="utf-8")
    return all(word in said for word in words)


def last_words(log: Path) -> str:
    """Return the end of a log, in a line."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " / ".join(lines[-3:]) or f"no reason given, see {log}"

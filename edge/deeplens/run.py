"""Wires supervisor, outbox and sender together for `lenshub-edge lambda`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from edge.deeplens.outbox import Outbox
from edge.deeplens.report import Report
from edge.deeplens.sender import Sender
from edge.deeplens.supervisor import Settings, Supervisor
from edge.link import Broker
from hub.errors import ConfigError

LAST_WORDS_S = 5.0


async def run_lambda(
    settings: Settings,
    broker: Broker,
    spool: Path,
    quota_bytes: int,
    seconds: float | None,
    show: Callable[[str], object],
) -> Report:
    """Run a function until SIGTERM, SIGINT, or for `seconds`; then wait a moment until all is sent.

    Raises:
        ConfigError: The function's file or the model folder is not there.
        SpoolError: The spool cannot be opened or read.
    """
    check_settings(settings)
    with Outbox.open(spool, quota_bytes) as outbox:
        sender = Sender(outbox, settings.thing, broker)
        supervisor = Supervisor(settings, outbox, sender.wake, sender.report, show)
        sending = asyncio.create_task(sender.run(), name="sender")
        running = asyncio.create_task(supervisor.run(), name="supervisor")
        try:
            await _wait(running, sending, seconds)
            await _stop(running)
            drained = asyncio.create_task(sender.drained(), name="drain")
            await asyncio.wait([drained, sending], timeout=LAST_WORDS_S, return_when=asyncio.FIRST_COMPLETED)
            await _stop(drained)
        finally:
            await _stop(running)
            await _stop(sending)
        if outbox.pending:
            show(f"{outbox.pending} messages are not sent yet; they are kept and sent at the next start")
    return supervisor.report


def check_settings(settings: Settings) -> None:
    """Raise ConfigError, with every problem, when what is to be run is not there."""
    problems = []
    if not settings.function.is_file():
        problems.append(f"{settings.function}: no such file (name the function's .py)")
    if not settings.model_dir.is_dir():
        problems.append(f"--model-dir {settings.model_dir}: no such folder")
    source = Path(settings.source)
    if not settings.source.isdecimal() and "://" not in settings.source and not source.exists():
        problems.append(f"--source {source}: no such camera, file or folder")
    if problems:
        raise ConfigError(*problems)


async def _wait(running: asyncio.Task[None], sending: asyncio.Task[None], seconds: float | None) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    stop = asyncio.create_task(stopping.wait(), name="stop")
    try:
        done, _ = await asyncio.wait(
            [running, sending, stop], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()
    finally:
        stop.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])

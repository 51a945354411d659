"""`lenshub run`: the hub itself."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from hub.cli.shared import ConfigOption, plainly
from hub.config import Config, read_config
from hub.garbage import collect_rarely
from hub.program import Wishes, run_hub

# Handing the interpreter between the loop and the database thread: 5 ms, the default, is most of a commit.
SWITCH_INTERVAL_S = 0.0005
LEAVE_S = 1.0


@plainly
def run(
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log everything.")] = False,
) -> None:
    """Run the hub until it is told to stop (Ctrl-C or SIGTERM).

    It keeps what it knows in `data_dir`, starts a private MQTT broker unless hub.toml names yours, and runs
    every plugin that hub.toml has a table for. SIGHUP has it read hub.toml again, as `lenshub reload` does.
    """
    settings = read_config(config)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    for chatty in ("alembic", "aiosqlite", "botocore", "aiobotocore", "tweepy", "oauthlib", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # tweepy's DEBUG shows the Authorization header
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # the source itself says once what paho says often
    if not settings.plugins:
        logging.getLogger(__name__).warning(
            "hub.idle no plugin is enabled: hub.toml has no [plugins.*] table"
        )
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    collect_rarely()
    uvloop.run(_run_until_told(settings, config))


async def _run_until_told(settings: Config, path: Path | None) -> None:
    wishes = Wishes(asyncio.Event())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, wishes.stop.set)
    loop.add_signal_handler(signal.SIGHUP, wishes.reload.set)
    await run_hub(settings, wishes, path)
    await _leave_stuck_deliveries()
    await _leave_busy_threads()


async def _leave_busy_threads() -> None:
    """End the process if a plugin's thread goes on working: the interpreter would wait for it without end."""
    joined = asyncio.ensure_future(asyncio.get_running_loop().shutdown_default_executor())
    if (await asyncio.wait([joined], timeout=LEAVE_S))[1]:
        logging.shutdown()
        os._exit(0)


async def _leave_stuck_deliveries() -> None:
    """End the process if a plugin ignores its cancellation: the loop would wait for it without end.

    Everything is committed by now; what the plugin was doing is taken up at the next start.
    """
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left and (await asyncio.wait(left, timeout=LEAVE_S))[1]:
        logging.shutdown()
        os._exit(0)

"""Puts the watchdog's parts around a run of the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hub.watchdog import presence
from hub.watchdog.autopsy import examine_last_run, note_fatal_errors
from hub.watchdog.exits import watch_exits
from hub.watchdog.held_back import HeldBack
from hub.watchdog.settings import WatchdogSettings
from hub.watchdog.steps import PRESENCE, make_task
from hub.watchdog.watchdog import Watchdog


@contextmanager
def watching(
    data_dir: Path, held: HeldBack, settings: WatchdogSettings, told_blocked: Callable[[str, str], None]
) -> Iterator[Watchdog]:
    """Find out how the last run ended, and watch this one until it stops in an orderly way.

    Tasks made inside are marked as their plugins'. An exception is an orderly end too, of which
    the hub itself says what is wrong.
    """
    examine_last_run(data_dir, held)
    here = presence.Presence(data_dir / presence.FILE_NAME)
    loop = asyncio.get_running_loop()
    token, factory = PRESENCE.set(here), loop.get_task_factory()
    loop.set_task_factory(make_task)  # type: ignore[arg-type] # it makes tasks
    try:
        with ExitStack() as stack:
            stack.enter_context(note_fatal_errors(data_dir))
            stack.enter_context(watch_exits(held))
            watchdog = Watchdog(here, held, settings, told_blocked)
            stack.enter_context(watchdog.watch())
            yield watchdog
    finally:
        here.stop()
        loop.set_task_factory(factory)
        PRESENCE.reset(token)

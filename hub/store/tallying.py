"""Adds what is new in the log to the sums that reports are made of: in a running hub, or where none runs.

A portion is counted by who reads, and added in one small transaction, so that the writer does nothing more
for an event. Killed between portions it goes on where the sums say that they end.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from hub.store.database import (
    HubRunningError,
    check_store,
    database_path,
    explaining,
    hub_is_running,
    hub_lock,
    open_read_engine,
    open_write_engine,
)
from hub.store.quarters import Portion, add_portion, count_portion, read_newest, read_up_to
from hub.store.watching import watch

if TYPE_CHECKING:  # a report is to start quickly
    from hub.store.writer import Writer

PORTION = 20_000
"""Ids in a portion; fewer are left to the report. Counting takes a core 0.2 s, adding 10 to 30 ms."""
START_S = 30.0  # a hub that starts has better things to do
LOOK_S = 10.0
PAUSE_S = 1.0  # between portions, in which the core is left to others
THREADS = 2


class Tallying:
    """Adds up what a running hub stores.

    Counting goes through 20,000 events and keeps 5 MB: the same each time, in a thread and on a connection of
    its own, but more for each of the readers' that it would have.
    """

    def __init__(self, writer: Writer, data_dir: Path, start_s: float = START_S, portion: int = PORTION):
        self._writer = writer
        self._engine = open_read_engine(data_dir)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tallies")
        self._start_s = start_s
        self._portion = portion

    async def run(self) -> None:
        """Add up a portion whenever one is complete, until cancelled."""
        try:
            await asyncio.sleep(self._start_s)
            await watch(self._look, "tallies")
        finally:
            self.close()

    def close(self) -> None:
        """Give thread and connection back."""
        self._thread.submit(self._engine.dispose)  # after what it may be counting
        self._thread.shutdown(wait=False)

    async def _look(self) -> float:
        return PAUSE_S if await self.add_up() else LOOK_S

    async def add_up(self) -> bool:
        """Add one portion if so much is new, and return whether it was."""
        loop = asyncio.get_running_loop()
        portion = await loop.run_in_executor(self._thread, _count_next, self._engine, self._portion)
        if portion is None:
            return False
        return await self._writer.change(partial(add_portion, portion=portion))


def _count_next(engine: Engine, size: int) -> Portion | None:
    with engine.connect() as connection:
        first = read_up_to(connection)
        if read_newest(connection) < first + size:
            return None
        return count_portion(connection, first, first + size)


def add_up_here(data_dir: Path, portion: int = PORTION) -> None:
    """Add up every portion that is complete, unless a hub does so itself.

    The store's lock is held for some portions at a time, so that a hub can start meanwhile. Where the store
    is not ours to write to, nothing is done: a report does without.

    Raises:
        StoreError: There is no store, one of another version, or the database refuses.
    """
    check_store(data_dir)
    if not os.access(database_path(data_dir), os.W_OK):
        return
    engine = open_write_engine(data_dir)
    try:
        with explaining(data_dir):
            while _is_behind(engine, portion) and not hub_is_running(data_dir):
                with hub_lock(data_dir):
                    _add_some(engine, portion)
    except HubRunningError:  # it has begun between our asking and our taking the lock
        return
    finally:
        engine.dispose()


def _is_behind(engine: Engine, portion: int) -> bool:
    with engine.connect() as connection:
        return read_newest(connection) >= read_up_to(connection) + portion


def _add_some(engine: Engine, size: int) -> None:
    """Count a portion in each thread, and add them in order."""
    with engine.connect() as connection:
        up_to, newest = read_up_to(connection), read_newest(connection)
    firsts = [up_to + size * number for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        whole = [first for first in firsts if first + size <= newest]
        portions = list(threads.map(partial(_count, engine, size), whole))
    with engine.begin() as connection:
        for portion in portions:
            add_portion(connection, portion)


def _count(engine: Engine, size: int, first: int) -> Portion:
    with engine.connect() as connection:
        return count_portion(connection, first, first + size)

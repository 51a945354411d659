"""The thread that holds the only connection which writes, and runs one transaction after the other on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine

Result = TypeVar("Result")


class WriteThread:
    """Runs transactions, each in one trip: a trip for each statement made a small commit take thrice as long.

    The thread is its own, since plugins may fill the shared ones with slow disks.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._connection: Connection | None = None

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in the thread and commit; what it raises is raised after a rollback."""
        return await self._run(self._transact, work)

    async def attempt(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in the thread and roll back whatever it did."""
        return await self._run(self._attempt, work)

    async def close(self) -> None:
        """Close the connection after what is under way."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _run(
        self, run: Callable[[Callable[[Connection], Result]], Result], work: Callable[[Connection], Result]
    ) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, run, work)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _transact(self, work: Callable[[Connection], Result]) -> Result:
        connection = self._connect()
        try:
            result = work(connection)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return result

    def _attempt(self, work: Callable[[Connection], Result]) -> Result:
        connection = self._connect()
        try:
            return work(connection)
        finally:
            connection.rollback()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

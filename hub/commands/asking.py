"""Asks for a command to be executed: by the running hub, or here where none is running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hub.commands.command import Command
from hub.commands.executor import Executor
from hub.decode.message import Decoded, Message
from hub.errors import StoreError
from hub.store.commands import Answer, ask, read_answer
from hub.store.database import HubRunningError, hub_is_running, hub_lock
from hub.store.overview import reading
from hub.store.writing import open_writer

LOOK_S = 0.05
ANSWER_S = 120.0


Decode = Callable[[Message], Decoded]


async def ask_hub(data_dir: Path, command: Command, decode: Decode, timeout_s: float = ANSWER_S) -> Answer:
    """Have a command executed and return the answer.

    Args:
        decode: What the configured hub makes of a message, for where none is running.

    Raises:
        StoreError: There is no store, it cannot be written, or no answer came in time.
    """
    arguments = command.model_dump(mode="json", exclude={"action"})
    async with reading(data_dir) as engine:
        number = await asyncio.to_thread(ask, data_dir, command.action, arguments)
        try:
            async with asyncio.timeout(timeout_s):
                while (answer := await read_answer(engine, number)) is None:
                    if hub_is_running(data_dir):
                        await asyncio.sleep(LOOK_S)
                        continue
                    with suppress(HubRunningError):  # one was started meanwhile: it will execute it
                        await execute_here(data_dir, decode)
        except TimeoutError as error:
            raise StoreError(
                f"no answer to command {number} within {timeout_s:g} s; the hub executes it when it can"
            ) from error
        return answer


async def execute_here(data_dir: Path, decode: Decode) -> None:
    """Execute all commands that wait, with the store's lock held.

    Raises:
        HubRunningError: A hub holds the lock.
    """
    with hub_lock(data_dir):
        async with open_writer(data_dir) as (writer, engine):
            await Executor(writer, engine, decode).execute_all()

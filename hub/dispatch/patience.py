"""How long the hub waits for a digest or a tick, also for one that ignores its cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from hub.dispatch.runner import ABANDON_AFTER_S

T = TypeVar("T")


async def await_within(timeout_s: float, called: Awaitable[T]) -> T:
    """Await a hook as a task; it is cancelled after `timeout_s`, and left to itself 5 s after that.

    Raises:
        TimeoutError: It took too long.
        CancelledError: This task was cancelled, and the hook has ended; who cancels may not wait for ever.
    """
    task = asyncio.create_task(_catch(called))
    try:
        late = not (await asyncio.wait([task], timeout=timeout_s))[0]
        if late:
            task.cancel()
            await asyncio.wait([task], timeout=ABANDON_AFTER_S)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    outcome: T = _take(task, timeout_s, late=late)
    return outcome


async def _catch(called: Awaitable[T]) -> tuple[T, None] | tuple[None, BaseException]:
    """Keep what a plugin raises from the loop, which SystemExit would end."""
    try:
        return await called, None
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        return None, error


def _take(task: asyncio.Task[Any], timeout_s: float, *, late: bool) -> Any:
    value, error = task.result() if task.done() and not task.cancelled() else (None, asyncio.CancelledError())
    if late and isinstance(error, asyncio.CancelledError):
        raise TimeoutError(f"took longer than timeout_s = {timeout_s:g}") from error
    if error is not None:
        raise error
    return value

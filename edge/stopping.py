"""Runs work that can be stopped for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

PATIENCE_S = 3.0  # longer than a goodbye to the broker takes


async def run_stoppable(work: Coroutine[Any, Any, None], name: str) -> None:
    """Run `work` as a task of that name; raise what it raises. When cancelled, return once it has ended.

    A cancellation that meets an error in a task group is lost (Python 3.11), so it is said again.
    """
    task = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait([task])
        task.result()
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE_S)

"""Looks at the store again and again, for who waits for what others write there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

UNREADABLE_S = 5.0

log = logging.getLogger(__name__)


async def watch(look: Callable[[], Awaitable[float]], name: str) -> NoReturn:
    """Call `look` until cancelled; what it returns is how many seconds later it is called again.

    A failure ends nothing: it is told once, as `<name>.waiting`, until a look succeeds.
    """
    told = False
    while True:
        try:
            wait_s = await look()
            told = False
        except Exception as error:  # noqa: BLE001 - the store's trouble must not end the hub
            if not told:
                log.warning("%s.waiting: the store cannot be read: %s", name, error)
            told, wait_s = True, UNREADABLE_S
        await asyncio.sleep(wait_s)

"""When the far side may be asked again: nobody hammers it while it is out, throttles, or is paid enough."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 60.0
MOST_S = 32 * 86_400.0  # a budget of a month is renewed by then


class Patience:
    """Lets everybody through, or after a failure nobody for a while, and then one at a time until it works.

    Args:
        clock: Seconds, monotonic.

    Attributes:
        reason: What stands in the way; empty while everybody is let through.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._failures = 0
        self._probing = False
        self._changed = asyncio.Event()
        self.reason = ""

    @property
    def left_s(self) -> float:
        """Seconds until somebody is let through again."""
        return max(0.0, self._until - self._clock()) if self.reason else 0.0

    async def wait(self) -> bool:
        """Return once the far side may be asked; True where this is the one that tries whether it works.

        Then one of `succeeded`, `failed` and `left` must follow.
        """
        while self.reason:
            if self._clock() >= self._until and not self._probing:
                self._probing = True
                return True
            await self._wait_for_change(None if self._probing else self.left_s)
        return False

    async def rest(self) -> None:
        """Return once somebody is let through again."""
        while left_s := self.left_s:
            await self._wait_for_change(left_s)

    async def _wait_for_change(self, timeout_s: float | None) -> None:
        changed = self._changed
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            pass

    def succeeded(self, *, probe: bool) -> None:
        """Let everybody through, if it was the one that tried."""
        if probe:
            self.reason, self._failures = "", 0
            self._end_probe()

    def failed(self, after_s: float, reason: str, *, probe: bool) -> None:
        """Let nobody through for `after_s` seconds, and longer from failure to failure."""
        if probe or not self.reason:
            self._failures += 1
        pause_s = min(FIRST_S * 2 ** (self._failures - 1), LONGEST_S) * random.uniform(0.75, 1.0)  # noqa: S311 - jitter
        until = self._clock() + min(max(after_s, pause_s), MOST_S)
        self._until = max(until, self._until if self.reason else 0.0)
        self.reason = reason or "the far side asks to wait"
        if probe:
            self._end_probe()

    def left(self, *, probe: bool) -> None:
        """Tell that the one that tried was stopped before it knew."""
        if probe:
            self._end_probe()

    def _end_probe(self) -> None:
        self._probing = False
        self._changed.set()
        self._changed = asyncio.Event()

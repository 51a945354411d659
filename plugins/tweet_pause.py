"""Keeps a plugin from asking X while X takes nothing from its account, and says so once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hub.plugin import RetryLater


class Pause:
    """A pause that a refusal begins and an answer ends.

    It is not kept over a restart: the first tweet then asks, and is told again.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._until = 0.0
        self._reason = ""

    def check(self) -> None:
        """Raise RetryLater while the pause lasts."""
        left_s = self._until - self._clock()
        if left_s > 0:
            raise RetryLater(left_s, f"paused: {self._reason}")

    def begin(self, refusal: RetryLater) -> None:
        """Pause as long as a refusal says; the log has a line unless it says the same again."""
        self._until = self._clock() + refusal.after_s
        if self._reason != str(refusal):
            self._reason = str(refusal)
            self._log.error("tweet.paused, to ask again in %.0f s: %s", refusal.after_s, refusal)

    def end(self) -> None:
        """Go on."""
        if self._reason:
            self._log.info("tweet.resumed: X takes posts again")
        self._until, self._reason = 0.0, ""

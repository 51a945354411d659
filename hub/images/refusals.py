"""Logs the pictures that are refused: a line each, and of a flood a count a minute."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from hub.decode.printing import show
from hub.images.message import Refusal

log = logging.getLogger(__name__)

MOST = 20
WINDOW_S = 60.0


class Refusals:
    """Names at most `MOST` pictures a minute; what else is refused within it is counted by code.

    Args:
        plugin: The instance's name.
    """

    def __init__(self, plugin: str, window_s: float = WINDOW_S) -> None:
        self._plugin = plugin
        self._window_s = window_s
        self._named = 0
        self._more: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, name: str, refusal: Refusal) -> None:
        """Log one, or count it."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._window_s, self.close)
        if self._named < MOST:
            self._named += 1
            log.info("images.refused %s: %s: %s: %s", self._plugin, show(name), refusal.code, refusal.reason)
        else:
            self._more[refusal.code] += 1

    def close(self) -> None:
        """Log what was only counted, and begin anew."""
        if self._timer is not None:
            self._timer.cancel()
        for code, count in sorted(self._more.items()):
            log.info("images.refused %s: %d more: %s", self._plugin, count, code)
        self._timer, self._named, self._more = None, 0, Counter()

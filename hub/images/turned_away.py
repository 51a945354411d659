"""Logs the uploads that are refused at the door: a line a kind at once, then a count a minute."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

log = logging.getLogger(__name__)

EVERY_S = 60.0


class TurnedAway:
    """Counts refused uploads by the code that answered them; the codes are the hub's own."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._counts: Counter[str] = Counter()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def note(self, code: str) -> None:
        """Count one, and log it unless its kind was logged within the last minute."""
        self._counts[code] += 1
        if code not in self._timers:
            self._tell(code)

    def close(self) -> None:
        """Log what was not logged yet."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for code, count in self._counts.items():
            log.warning("http.refused %s: uploads refused at the door: %d", code, count)
        self._counts.clear()

    def _tell(self, code: str) -> None:
        self._timers.pop(code, None)
        if count := self._counts.pop(code, 0):
            log.warning("http.refused %s: uploads refused at the door: %d", code, count)
            loop = asyncio.get_running_loop()
            self._timers[code] = loop.call_later(self._every_s, self._tell, code)

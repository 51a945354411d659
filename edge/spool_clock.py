"""The spool's clock: it does not jump while the spool is open."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

EARLIEST_S = 1_577_836_800.0  # 2020: a clock before it was not set yet


def count_boot_seconds() -> float:
    """Return seconds that only grow, also while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SpoolClock:
    """Tells Unix seconds.

    Args:
        clock: Unix seconds; asked once, because a box without a battery learns late what year it is.
        steady: Seconds that only grow, also while the machine sleeps.
    """

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._opened_at, self._opened_steady, self._steady = clock(), steady(), steady

    def now(self) -> float:
        """Return the time (Unix seconds)."""
        return self._opened_at + self._steady() - self._opened_steady

    def mend(self, database: sqlite3.Connection) -> None:
        """Count from now on the age of what a clock that was wrong, then or now, has dated."""
        update = "UPDATE records SET spooled_at = ? WHERE spooled_at > ? OR spooled_at < ?"
        database.execute(update, [self._opened_at, self._opened_at, EARLIEST_S])

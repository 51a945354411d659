"""The circuit breaker of one instance: tells an outage from the trouble of a single event. Pure.

It opens after many failures in a row. Then one delivery at a time is tried, with growing pauses, until one
succeeds; meanwhile no attempt is counted and no clock runs, so that nothing dies of an outage.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

FAILURES = 10
EVENTS = 2  # one event that fails by itself is that event's trouble
FIRST_PROBE_S = 5.0
LONGEST_PROBE_S = 60.0


class Breaker:
    """Counts failures in a row; open from `opened_at` until the next success.

    Args:
        now: The hub's clock, aware UTC.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.opened_at: datetime | None = None
        self.reason = ""
        self._now = now
        self._failures = 0
        self._events: set[int] = set()
        self._probing: int | None = None
        self._probe_at = now()
        self._pause_s = FIRST_PROBE_S

    @property
    def is_open(self) -> bool:
        """Whether the plugin is only probed."""
        return self.opened_at is not None

    def may_probe(self) -> bool:
        """Whether it is time for the next probe, and none is under way."""
        return self._probing is None and self._now() >= self._probe_at

    def probe(self, event_id: int) -> None:
        """Note that an event is tried as the probe."""
        self._probing = event_id

    def fail(self, event_id: int, reason: str, after_s: float = 0.0) -> bool:
        """Count a failed attempt; return whether this one has opened the breaker.

        Args:
            after_s: Seconds that the plugin asked to wait at least.
        """
        self._failures += 1
        self.reason = reason
        if len(self._events) < EVENTS:
            self._events.add(event_id)
        if self.is_open:
            self._fail_probe(event_id, after_s)
            return False
        if self._failures < FAILURES or len(self._events) < EVENTS:
            return False
        self.opened_at = self._now()
        self._pause_s = FIRST_PROBE_S
        self._wait(after_s)
        return True

    def _fail_probe(self, event_id: int, after_s: float) -> None:
        if event_id == self._probing:
            self._probing = None
            self._pause_s = min(self._pause_s * 2, LONGEST_PROBE_S)
            self._wait(after_s)

    def _wait(self, after_s: float) -> None:
        self._probe_at = self._now() + timedelta(seconds=max(self._pause_s, after_s))

    def leave(self, event_id: int) -> None:
        """Note the end of an attempt that tells nothing of the far side; another may follow at once."""
        if event_id == self._probing:
            self._probing = None

    def succeed(self) -> timedelta | None:
        """Count a success; return how long the breaker was open if this one has closed it."""
        if not self._failures:
            return None
        opened_at, self.opened_at = self.opened_at, None
        self._failures, self._probing = 0, None
        self._events.clear()
        return None if opened_at is None else self._now() - opened_at

    def describe(self) -> str:
        """Return what people are told while it is open."""
        if self.opened_at is None:
            return ""
        return f"{self._failures} failures in a row, probed until it works again: {self.reason}"

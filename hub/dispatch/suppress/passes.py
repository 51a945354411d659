"""What cooldowns and quotas count: the deliveries that were let through. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from hub.dispatch.suppress.settings import Suppress
from hub.store.suppression import PASS, Passed

HOUR_S = 3600.0
DAY_S = 86_400.0


class Passes:
    """The newest passes, in order of time; those that no rule looks back to are forgotten."""

    def __init__(self, suppress: Suppress) -> None:
        self._suppress = suppress
        self._all: deque[Passed] = deque()
        self._counted: deque[datetime] = deque()
        self._last: dict[str, datetime] = {}
        quotas = ((HOUR_S, suppress.max_per_hour), (DAY_S, suppress.max_per_day))
        self._quotas = [(window_s, most) for window_s, most in quotas if most is not None]
        self.horizon_s = max([suppress.cooldown_s, *(window_s for window_s, _ in self._quotas)])

    def add(self, passed: Passed) -> None:
        """Count one."""
        self._all.append(passed)
        self._last[passed.group] = passed.at
        if passed.amount and self._quotas:
            self._counted.append(passed.at)
        oldest = passed.at - timedelta(seconds=self.horizon_s)
        while self._all[0].at <= oldest:
            gone = self._all.popleft()
            if self._last.get(gone.group) == gone.at:
                del self._last[gone.group]
        while self._counted and self._counted[0] <= oldest:
            self._counted.popleft()

    def withdraw(self, key: str) -> None:
        """Count one no longer: nothing came of it."""
        gone = next((passed for passed in self._all if passed.key == key), None)
        if gone is None:
            return
        self._all.remove(gone)
        if gone.at in self._counted:
            self._counted.remove(gone.at)
        earlier = [passed.at for passed in self._all if passed.group == gone.group]
        if earlier:
            self._last[gone.group] = max(earlier)
        else:
            self._last.pop(gone.group, None)

    def cooling_until(self, group: str, now: datetime) -> datetime | None:
        """Return when a group's cooldown is over, or None when it is not cooling."""
        last = self._last.get(PASS + group)
        until = None if last is None else last + timedelta(seconds=self._suppress.cooldown_s)
        return until if until is not None and until > now else None

    def full_until(self, now: datetime) -> tuple[datetime, int, float] | None:
        """Return when a quota has room again, the quota, and its window in seconds; None: all have room."""
        found = None
        for window_s, most in self._quotas:
            until = self._counted[-most] + timedelta(seconds=window_s) if len(self._counted) >= most else now
            if until > now and (found is None or until > found[0]):
                found = until, most, window_s
        return found

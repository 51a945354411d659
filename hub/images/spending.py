"""What an instance's calls have cost, minute by minute, and when a used-up limit is renewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hub.plugin import Limit

MINUTE_S = 60
PERIODS_S = {"hour": 3600, "day": 86_400}
_SLACK = 1e-9  # sums of cents are not exact


def month_of(now: datetime) -> datetime:
    """Return when the calendar month began."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def remembered_since(now: datetime) -> datetime:
    """Return from when on calls count for some limit."""
    return min(month_of(now), now - timedelta(days=1))


class Spending:
    """Sums over the calls of one instance; a call counts from when it begins.

    Args:
        earlier: (minute as 2026-11-21 18:31, amount, calls) of what was begun before.
    """

    def __init__(self, earlier: Iterable[tuple[str, float, int]] = ()) -> None:
        self._minutes: dict[int, tuple[float, int]] = {}
        self._months: dict[datetime, tuple[float, int]] = {}
        for minute, amount, count in earlier:
            self._add(datetime.fromisoformat(minute).replace(tzinfo=UTC), amount, count)

    def add(self, now: datetime, price: float) -> None:
        """Count a call that begins."""
        self._add(now, price, 1)
        oldest = _minute(now) - PERIODS_S["day"] // MINUTE_S
        for minute in [m for m in self._minutes if m < oldest] if len(self._minutes) > 2000 else ():
            del self._minutes[minute]

    def give_back(self, began_at: datetime, price: float) -> None:
        """Count a call no longer: it cost nothing."""
        self._add(began_at, -price, -1)

    def _add(self, at: datetime, amount: float, count: int) -> None:
        minute, month = _minute(at), month_of(at)
        for_minute = self._minutes.get(minute, (0.0, 0))
        for_month = self._months.get(month, (0.0, 0))
        self._minutes[minute] = (for_minute[0] + amount, for_minute[1] + count)
        self._months[month] = (for_month[0] + amount, for_month[1] + count)

    def total(self, period: str, now: datetime) -> tuple[float, int]:
        """Return what the calls of a period, up to now, cost, and how many they are."""
        if period == "month":
            return self._months.get(month_of(now), (0.0, 0))
        first = _minute(now) - PERIODS_S[period] // MINUTE_S
        within = [sums for minute, sums in self._minutes.items() if minute > first]
        return sum(amount for amount, _ in within), sum(count for _, count in within)

    def refusal(self, limits: Sequence[Limit], price: float, now: datetime) -> tuple[Limit, float] | None:
        """Return the limit that stands against another call, and after how many seconds it does not."""
        for limit in limits:
            if not _fits(limit, *self.total(limit.period, now), price):
                return limit, self._renewal_s(limit, price, now)
        return None

    def _renewal_s(self, limit: Limit, price: float, now: datetime) -> float:
        if limit.period == "month":
            return (month_of(month_of(now) + timedelta(days=32)) - now).total_seconds()
        amount, count = self.total(limit.period, now)
        period_s, current = PERIODS_S[limit.period], _minute(now)
        for minute in sorted(m for m in self._minutes if m > current - period_s // MINUTE_S):
            amount, count = amount - self._minutes[minute][0], count - self._minutes[minute][1]
            if _fits(limit, amount, count, price):
                return max(1.0, minute * MINUTE_S + period_s - now.timestamp())
        return float(period_s)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // MINUTE_S


def _fits(limit: Limit, amount: float, count: int, price: float) -> bool:
    if limit.amount is not None and amount + price > limit.amount + _SLACK:
        return False
    return limit.count is None or count < limit.count

"""When a batch is due, as cron has it, in UTC."""

from __future__ import annotations

from datetime import datetime


def next_at(cron: str | None, now: datetime) -> datetime | None:
    """Return the first moment after `now` that an expression of five fields names; None without one.

    Raises:
        ValueError: It is no such expression, or never comes.
    """
    if cron is None:
        return None
    from cronsim import CronSim, CronSimError

    try:
        return next(CronSim(cron, now))
    except CronSimError as error:
        raise ValueError(f"is not what cron understands: {error} (minute hour day month weekday)") from error
    except StopIteration as error:
        raise ValueError("names a day that never comes") from error

"""Times of the week on a clock on the wall: for `schedule` in a match, and for quiet hours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from hub.decode.aliases import ZoneName
from hub.event import Plain

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_DAYS = 8
KNOWN_MINUTES = 2000
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_EPOCH, _MINUTE = datetime(1970, 1, 1, tzinfo=UTC), timedelta(minutes=1)
_FIRST_DAY, _LAST_DAY = date.min + timedelta(days=4), date.max - timedelta(days=4)
Span = tuple[datetime, datetime]


def _check_weekdays(value: str) -> str:
    names = value.split("-")
    if len(names) > 2 or not set(names) <= set(WEEKDAYS):
        raise ValueError(
            f"must be a weekday or several, such as mon or mon-fri (known: {', '.join(WEEKDAYS)})"
        )
    return value


def _check_hours(value: str) -> str:
    if not _HOURS.fullmatch(value):
        raise ValueError("must be hours of the day such as 08:00-17:30, or 22:00-07:00 over midnight")
    if value[:5] == value[6:]:
        raise ValueError("has no length; for the whole day leave hours out")
    return value


def _check_some(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("names none, so that it would never hold; leave it out for all")
    return values


Weekdays = Annotated[str, AfterValidator(_check_weekdays)]
Hours = Annotated[str, AfterValidator(_check_hours)]


class Schedule(Plain):
    """Hours of some weekdays. Hours over midnight belong to the day they begin on.

    Times are those of a clock on the wall in `timezone`. Where it is put forward, hours that begin or end
    inside the gap do so when it is put forward; where it is put back, hours last from the first time it shows
    their beginning to the last time it shows their end.
    """

    weekdays: Annotated[tuple[Weekdays, ...], AfterValidator(_check_some)] = ("mon-sun",)
    hours: Annotated[tuple[Hours, ...], AfterValidator(_check_some)] = ("00:00-24:00",)
    timezone: ZoneName = "UTC"

    def span_at(self, at: datetime) -> Span | None:
        """Return from when till when the hours last that a moment lies in, or None outside of them."""
        for start, end in _find_spans(self.weekdays, self.hours, self.timezone, at.astimezone(UTC).date()):
            if start <= at < end:
                return start, end
        return None

    def describe(self) -> str:
        """Return it as a person would say it."""
        days = "" if self.weekdays == ("mon-sun",) else f"{', '.join(self.weekdays)} "
        return f"{days}{', '.join(self.hours)} {self.timezone}"


def _check_any(values: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    if not values:
        raise ValueError("is empty, so that it would never hold; leave it out")
    return values


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, (dict, Schedule)) else value


Schedules = Annotated[tuple[Schedule, ...], BeforeValidator(_as_list), AfterValidator(_check_any)]
"""One table, or several of which one must hold."""


def is_within(schedules: Iterable[Schedule], at: datetime) -> bool:
    """Whether a moment lies within one of the schedules."""
    return any(schedule.span_at(at) for schedule in schedules)


def minute_of(at: datetime) -> int:
    """Return the number of a moment's minute; it may be negative."""
    return (at - _EPOCH) // _MINUTE


def begin_of(minute: int) -> datetime:
    """Return when a minute begins."""
    return _EPOCH + minute * _MINUTE


def compile_schedules(schedules: tuple[Schedule, ...]) -> Callable[[datetime], bool]:
    """Return `is_within` for the beginning of a moment's minute; it remembers those it was asked about."""
    holds_in = lru_cache(KNOWN_MINUTES)(lambda minute: is_within(schedules, begin_of(minute)))
    return lambda at: holds_in(minute_of(at))


def find_end(schedules: Iterable[Schedule], at: datetime) -> datetime | None:
    """Return when the schedules that hold at a moment are over, hours that join on included.

    Returns:
        None outside of all; no more than about a week ahead where they never end.
    """
    end, schedules = at, tuple(schedules)
    while end < at + timedelta(days=LONGEST_DAYS):
        spans = [span for schedule in schedules if (span := schedule.span_at(end))]
        if not spans:
            break
        end = max(span[1] for span in spans)
    return end if end > at else None


@lru_cache(maxsize=4096)
def _find_spans(
    weekdays: tuple[str, ...], hours: tuple[str, ...], timezone: str, day: date
) -> tuple[Span, ...]:
    """Return the spans that may touch a day in UTC; local dates are at most one off.

    The first and last days of the calendar have none: their local times may lie outside of it.
    """
    if not _FIRST_DAY <= day <= _LAST_DAY:
        return ()
    wanted = {name for entry in weekdays for name in _spread(entry)}
    zone = ZoneInfo(timezone)
    near = [day + timedelta(days=offset) for offset in (-2, -1, 0, 1)]
    spans = (
        _make_span(local, entry, zone)
        for local in near
        if WEEKDAYS[local.weekday()] in wanted
        for entry in hours
    )
    return tuple(span for span in spans if span[0] < span[1])


def _spread(entry: str) -> tuple[str, ...]:
    first, _, last = entry.partition("-")
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return tuple(WEEKDAYS[(begin + step) % 7] for step in range((end - begin) % 7 + 1))


def _make_span(day: date, hours: str, zone: ZoneInfo) -> Span:
    start, end = _minutes(hours[:5]), _minutes(hours[6:])
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - what the clock on the wall shows
    until = end if end > start else end + 24 * 60
    return (
        _find_moment(midnight + timedelta(minutes=start), zone, fold=0),
        _find_moment(midnight + timedelta(minutes=until), zone, fold=1),
    )


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _find_moment(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    """Return when a clock shows a time: the first (fold 0) or last (1) moment; in a gap, when it jumps."""
    moment = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return moment
    early, late = sorted(wall.replace(tzinfo=zone, fold=f).astimezone(UTC) for f in (0, 1))
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        jumped = middle.astimezone(zone).replace(tzinfo=None) > wall
        early, late = (early, middle) if jumped else (middle, late)
    return late.replace(microsecond=0)

"""The clock on the wall: cuts hours of UTC where a zone's own hours begin or its offset changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_EARLIEST, _LATEST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Piece = tuple[datetime, datetime]


def as_local(moment: datetime, zone: tzinfo) -> datetime:
    """Return what the clock shows; at the ends of the calendar, where it would leave it, UTC."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def local_hour(moment: datetime, zone: tzinfo) -> datetime:
    """Return the hour on the clock: of one that comes twice in autumn, each by its own offset from UTC."""
    local = as_local(moment, zone)
    fixed = timezone(local.utcoffset() or timedelta(0))
    return local.replace(minute=0, second=0, microsecond=0, tzinfo=fixed)


def cut_hours(hours: Iterable[datetime], zone: tzinfo) -> dict[datetime, list[Piece]]:
    """Return by hour of UTC the pieces within which neither the hour on the clock nor its offset changes.

    Pieces are (since, until); the last until of the calendar is its last moment.
    """
    hours = set(hours)
    marks = list_marks(min(hours), max(hours), zone) if hours else []
    return {hour: _cut(hour, marks) for hour in hours}


def _cut(hour: datetime, marks: list[timedelta]) -> list[Piece]:
    starts = [hour + mark for mark in marks]
    return list(zip(starts, [*starts[1:], _after(hour)], strict=True))


def _after(hour: datetime) -> datetime:
    try:
        return hour + HOUR
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def list_marks(first: datetime, last: datetime, zone: tzinfo) -> list[timedelta]:
    """Return how far into an hour of UTC something may change, ascending; the first is its beginning."""
    marks = {timedelta(0)}
    since, end = max(first, _EARLIEST) - _DAY, min(last, _LATEST) + _DAY
    offset = _offset(since, zone)
    marks.add(-offset % HOUR)
    while since < end:
        until = since + _DAY
        if (then := _offset(until, zone)) != offset:
            marks |= {-then % HOUR, (_change(since, until, zone) - _EARLIEST) % HOUR}
        since, offset = until, then
    return sorted(marks)


def _change(since: datetime, until: datetime, zone: tzinfo) -> datetime:
    """Return the second in which the offset changes, by halving."""
    before = _offset(since, zone)
    while until - since > timedelta(seconds=1):
        middle = since + timedelta(seconds=(until - since) // timedelta(seconds=2))
        since, until = (middle, until) if _offset(middle, zone) == before else (since, middle)
    return until


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return as_local(moment, zone).utcoffset() or timedelta(0)

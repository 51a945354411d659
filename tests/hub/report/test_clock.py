"""Hours of UTC are cut so that each piece lies within one hour on the clock, with one offset."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.report.clock import cut_hours, local_hour


def hours_of(day: date, zone: ZoneInfo) -> Counter[str]:
    """Return how many minutes a day on the clock has by hour and offset."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    hours = [noon + timedelta(hours=n) for n in range(-30, 30)]
    found: Counter[str] = Counter()
    for pieces in cut_hours(hours, zone).values():
        for since, until in pieces:
            hour = local_hour(since, zone)
            if hour.date() == day:
                found[f"{hour:%H%z}"] += round((until - since) / timedelta(minutes=1))
    return found


@pytest.mark.parametrize(
    ("zone", "day", "hours", "odd"),
    [
        ("UTC", date(2026, 10, 25), 24, {}),
        ("Europe/Berlin", date(2026, 10, 25), 25, {"02+0200": 60, "02+0100": 60}),
        ("Europe/Berlin", date(2026, 3, 29), 23, {"01+0100": 60, "03+0200": 60}),
        ("America/Chicago", date(2026, 11, 1), 25, {"01-0500": 60, "01-0600": 60}),
        ("Asia/Kolkata", date(2026, 10, 25), 24, {"00+0530": 60}),
        ("Asia/Kathmandu", date(2026, 10, 25), 24, {"23+0545": 60}),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25, {"01+1100": 60, "01+1030": 30}),
        ("America/Los_Angeles", date(1880, 1, 1), 24, {}),
    ],
)
def test_day_has_the_hours_of_the_clock_on_the_wall(zone, day, hours, odd):
    found = hours_of(day, ZoneInfo(zone))

    assert (len(found), odd.items() <= found.items()) == (hours, True)


def test_no_piece_holds_two_hours_of_the_clock():
    zone = ZoneInfo("Australia/Lord_Howe")
    hours = [datetime(2026, 4, 4, 12, tzinfo=UTC) + timedelta(hours=n) for n in range(12)]
    for since, until in (piece for pieces in cut_hours(hours, zone).values() for piece in pieces):
        assert local_hour(since, zone) == local_hour(until - timedelta(seconds=1), zone)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00+00:00", "9999-12-31T23:00+00:00"])
@pytest.mark.parametrize("zone", ["America/Chicago", "Asia/Kolkata"])
def test_ends_of_the_calendar_have_an_hour_too(moment, zone):
    hour = datetime.fromisoformat(moment)
    pieces = cut_hours([hour], ZoneInfo(zone))[hour]

    assert pieces[0][0] == hour
    assert [local_hour(since, ZoneInfo(zone)).year for since, _ in pieces]


def test_no_hours_are_cut_into_nothing():
    assert cut_hours([], ZoneInfo("UTC")) == {}

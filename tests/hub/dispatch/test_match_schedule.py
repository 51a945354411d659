"""Hours of weekdays on a clock on the wall, also where that clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.match_schedule import Schedule, find_end, is_within


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("weekdays", "hours", "moment", "holds"),
    [
        (["mon-fri"], ["08:00-17:00"], "2026-11-20T08:00", True),  # a Friday
        (["mon-fri"], ["08:00-17:00"], "2026-11-20T17:00", False),
        (["mon-fri"], ["08:00-17:00"], "2026-11-21T12:00", False),
        (["sat-mon"], ["08:00-17:00"], "2026-11-22T12:00", True),
        (["fri"], ["22:00-07:00"], "2026-11-21T06:59", True),  # the night that began on Friday
        (["fri"], ["22:00-07:00"], "2026-11-20T06:59", False),
        (["sat"], ["00:00-24:00"], "2026-11-21T23:59", True),
        (["sat"], ["00:00-24:00"], "2026-11-22T00:00", False),
        (["sat"], ["08:00-12:00", "13:00-17:00"], "2026-11-21T12:30", False),
    ],
)
def test_schedule_holds_in_its_hours_of_its_weekdays(weekdays, hours, moment, holds):
    schedule = Schedule(weekdays=weekdays, hours=hours)

    assert is_within([schedule], at(moment)) is holds


@pytest.mark.parametrize(
    ("hours", "first", "end"),
    [
        ("22:00-07:00", "2026-10-24T20:00", "2026-10-25T06:00"),  # ten hours: the clock is put back
        ("22:00-07:00", "2026-03-28T21:00", "2026-03-29T05:00"),  # eight hours: it is put forward
        ("02:30-03:30", "2026-03-29T01:00", "2026-03-29T01:30"),  # 02:30 does not come
        ("01:00-02:30", "2026-03-29T00:00", "2026-03-29T01:00"),
        ("02:00-03:00", "2026-10-25T00:00", "2026-10-25T02:00"),  # the hour that comes twice
        ("01:00-02:30", "2026-10-24T23:00", "2026-10-25T01:30"),
    ],
)
def test_schedule_is_one_stretch_where_the_clock_is_changed(hours, first, end):
    schedule = Schedule(hours=[hours], timezone="Europe/Berlin")
    second = timedelta(seconds=1)

    assert schedule.span_at(at(first)) == (at(first), at(end))
    assert schedule.span_at(at(first) - second) is None
    assert schedule.span_at(at(end) - second) == (at(first), at(end))
    assert schedule.span_at(at(end)) is None


def test_schedule_leaves_out_hours_that_do_not_come_on_that_day():
    schedule = Schedule(hours=["02:15-02:45"], timezone="Europe/Berlin")

    assert not any(is_within([schedule], at("2026-03-29T00:00") + timedelta(minutes=m)) for m in range(240))
    assert is_within([schedule], at("2026-03-30T00:30"))


def test_schedule_keeps_to_the_wall_in_a_zone_that_changes_at_midnight():
    schedule = Schedule(weekdays=["sun"], hours=["00:00-08:00"], timezone="America/Santiago")

    assert schedule.span_at(at("2026-09-06T04:00")) == (at("2026-09-06T04:00"), at("2026-09-06T11:00"))


def test_schedules_that_join_on_end_together():
    schedules = [
        Schedule(weekdays=["fri"], hours=["22:00-24:00"]),
        Schedule(weekdays=["sat", "sun"]),
        Schedule(weekdays=["mon"], hours=["00:00-07:00"]),
    ]

    assert find_end(schedules, at("2026-11-20T23:00")) == at("2026-11-23T07:00")
    assert find_end(schedules, at("2026-11-23T07:00")) is None


def test_schedule_that_never_ends_is_looked_ahead_a_week():
    end = find_end([Schedule()], at("2026-11-21T12:00"))

    assert end is not None
    assert timedelta(days=7) < end - at("2026-11-21T12:00") < timedelta(days=10)


@given(
    minutes=st.integers(0, 60 * 24 * 800),
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kolkata"]
    ),
)
def test_schedule_agrees_with_the_clock_on_the_wall_away_from_changes(minutes, zone):
    moment = at("2025-06-01T00:00") + timedelta(minutes=minutes)
    schedule = Schedule(weekdays=["tue"], hours=["09:00-21:30"], timezone=zone)  # no zone changes then
    local = moment.astimezone(ZoneInfo(zone))

    expected = local.weekday() == 1 and 9 * 60 <= local.hour * 60 + local.minute < 21 * 60 + 30
    assert is_within([schedule], moment) is expected

"""The sums by quarter of an hour tell what reading every event tells."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.event import Detection, DroppedFrame, Frame
from hub.report.clock import cut_hours, list_marks, local_hour
from hub.store import quick_tallies
from hub.store.quarters import add_portion, count_portion
from hub.store.quick_tallies import tally_quickly
from hub.store.tallies import Tally, Wanted, tally

CHANGE = datetime(2026, 11, 1, 1, tzinfo=UTC)
"""Clocks in Chicago go back at 07:00; those in Berlin had gone a week before; Lord Howe's go half an hour."""
ZONES = ("UTC", "America/Chicago", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")
SOME = (
    Wanted(),
    Wanted(device="porch"),
    Wanted(source="frigate"),
    Wanted(label="cup"),
    Wanted(label="cup", device="yard", source="edge"),
    Wanted(label="never seen"),
    Wanted(since=CHANGE + timedelta(minutes=45), until=CHANGE + timedelta(hours=9, minutes=15)),
    Wanted(label="fist", since=CHANGE + timedelta(hours=4)),
    Wanted(until=CHANGE - timedelta(days=400)),
)


def make_event(arrivals: Any, chance: random.Random, number: int) -> Any:
    """Make an event, often a late one, or what is said later of one before it."""
    seen = tuple(
        Detection(
            label=chance.choice(("cup", "cup", "fist", "face")),
            confidence=chance.choice((0.0, 0.05, 0.95, 1.0, chance.random())),
        )
        for _ in range(chance.randrange(5))
    )
    frames = (
        None,
        DroppedFrame(dropped="spool over quota"),
        Frame(digest="0" * 64, width=64, height=48, media_type="image/jpeg"),
    )
    amends = number % 9 == 8
    late = timedelta(days=chance.choice((0, 0, 0, 8, 300)))
    moment = CHANGE + timedelta(seconds=chance.randrange(36_000), microseconds=number)
    return arrivals.event(
        device=chance.choice(("porch", "yard")),
        source=chance.choice(("edge", "frigate")),
        kind="amendment" if amends else "event",
        key=f"frigate:{chance.randrange(number) if amends else number}",
        captured_at=chance.choice((moment, moment.replace(minute=15, second=0, microsecond=0))) - late,
        frame=chance.choice(frames),
        detections=seen,
    )


@pytest.fixture
async def filled(store: Any, arrivals: Any, soon: Any) -> Any:
    """A store of 700 events."""
    chance = random.Random(6)  # noqa: S311 - made-up events
    events = [make_event(arrivals, chance, number) for number in range(700)]
    await soon(store.add(*map(arrivals.plain, events)), 60)
    assert store.sql("SELECT count(*) > 30 FROM events WHERE kind = 'amendment'") == [(1,)]
    return store


def add_up(store: Any, up_to: int, size: int = 150) -> None:
    with store.readers.begin() as connection:
        for first in range(0, up_to, size):
            assert add_portion(connection, count_portion(connection, first, min(first + size, up_to)))


def by_hour(sums: dict[Any, Tally], zone: ZoneInfo) -> dict[Any, list[Any]]:
    found: dict[Any, Tally] = {}
    for (device, at), own in sums.items():
        key = device, local_hour(at, zone)
        found[key] = found.get(key, Tally()) + own
    return {key: as_told(own) for key, own in found.items()}


def as_told(own: Tally) -> list[Any]:
    return [own.events, own.detections, own.kept, own.dropped, pytest.approx(own.confidence_sum, abs=1e-9)]


@pytest.mark.parametrize("up_to", [0, 1, 450, 650])
async def test_sums_tell_what_all_events_tell_however_far_they_go(filled: Any, up_to: int) -> None:
    add_up(filled, up_to)
    for zone in map(ZoneInfo, ZONES):
        for wanted in SOME:
            quickly = tally_quickly(filled.readers, wanted, partial(list_marks, zone=zone))
            slowly = tally(filled.readers, wanted, partial(cut_hours, zone=zone))

            assert quickly is not None
            assert by_hour(quickly[0], zone) == by_hour(slowly[0], zone)
            assert quickly[1].steps == slowly[1].steps
            labels = [
                {name: as_told(own) for name, own in mix.labels.items()} for _, mix in (quickly, slowly)
            ]
            assert labels[0] == labels[1]


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(min_confidence=0.5),
        Wanted(since=CHANGE + timedelta(minutes=1)),
        Wanted(until=CHANGE + timedelta(microseconds=1)),
    ],
)
async def test_sums_do_not_tell_what_they_do_not_know(filled: Any, wanted: Wanted) -> None:
    add_up(filled, 650)

    assert tally_quickly(filled.readers, wanted, partial(list_marks, zone=ZoneInfo("UTC"))) is None


async def test_sums_do_not_tell_hours_that_begin_within_a_quarter(
    store: Any, arrivals: Any, soon: Any
) -> None:
    event = arrivals.event(source="edge", captured_at=datetime(1970, 1, 1, tzinfo=UTC))
    await soon(store.add(arrivals.plain(event)))
    marks = partial(list_marks, zone=ZoneInfo("Africa/Monrovia"))  # 44 minutes and a half behind UTC

    assert tally_quickly(store.readers, Wanted(), marks) is None
    add_up(store, 1)
    assert tally_quickly(store.readers, Wanted(), marks) is None
    assert tally_quickly(store.readers, Wanted(since=CHANGE), marks) == ({}, quick_tallies.Mix())


async def test_sums_do_not_tell_when_they_lag_far_behind(
    filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_tallies, "MOST_NEW", 500)
    add_up(filled, 99)

    assert tally_quickly(filled.readers, Wanted(), partial(list_marks, zone=ZoneInfo("UTC"))) is None

"""Captures and reviews are counted as they stand: without undone verdicts, open where skipped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from hub.event import Detection
from hub.report.figures import count_figures
from hub.report.reviews import Reviews
from hub.review.applying import Applier
from hub.review.settings import ReviewSettings
from hub.store.schema import captures, reviews
from hub.store.tallies import Wanted

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # the next day in Berlin
BERLIN = ZoneInfo("Europe/Berlin")


def capture(event: int, *reasons: str) -> Any:
    return insert(captures).values(
        plugin="teach", event_id=event, device="porch", reasons=list(reasons), score=1.0, chosen_at=NOON
    )


def verdict(event: int, reviewer: str, said: str, at: datetime = NOON, *, undone: bool = False) -> Any:
    undone_at = at + timedelta(seconds=1) if undone else None
    return insert(reviews).values(
        event_id=event, reviewer=reviewer, verdict=said, note="", made_at=at, undone_at=undone_at
    )


@pytest.fixture
async def reviewed(store: Any, arrivals: Any, soon: Any) -> Any:
    """Events 1 to 4 of two devices, captured; one accepted, one disputed, two left open."""
    cup = (Detection(label="cup", confidence=0.4),)
    new = [arrivals.event("porch", captured_at=NOON, source="deeplens") for _ in range(3)]
    new.append(arrivals.event("yard", captured_at=NIGHT, source="deeplens", detections=cup))
    await soon(store.add(*map(arrivals.plain, new)))
    for statement in (
        *(capture(n, "near_threshold", "random") for n in (1, 2)),
        *(capture(n, "random") for n in (3, 4)),
        verdict(1, "ann", "accepted"),
        verdict(2, "ann", "rejected"),
        verdict(2, "bob", "corrected", NIGHT),
        verdict(3, "ann", "accepted", undone=True),
        verdict(4, "bob", "skipped"),
    ):
        await store.writer.change(lambda c, one=statement: c.execute(one))
    await apply(store)
    return store


async def apply(store: Any) -> None:
    await Applier(store.writer, store.engine, ReviewSettings()).apply_all()


async def count(store: Any, wanted: Wanted | None = None) -> Reviews:
    return (count_figures(store.readers, wanted or Wanted(), BERLIN)).reviews


async def test_captures_are_counted_by_the_strategy_that_chose_them(reviewed: Any) -> None:
    assert (await count(reviewed)).reasons == {"near_threshold": 2, "random": 2}


async def test_event_is_in_the_state_that_stands(reviewed: Any) -> None:
    found = await count(reviewed)

    assert found.state == {"open": 2, "disputed": 1, "accepted": 1, "corrected": 0, "rejected": 0}
    assert found.devices["yard"] == {"open": 1, "disputed": 0, "accepted": 0, "corrected": 0, "rejected": 0}


async def test_dispute_ends_with_the_word_that_settles_it(reviewed: Any) -> None:
    for one in (verdict(2, "carol", "rejected"), verdict(2, "bob", "accepted")):
        await reviewed.writer.change(lambda c, one=one: c.execute(one))
        await apply(reviewed)

    assert (await count(reviewed)).devices["porch"] == {
        "open": 1,
        "disputed": 0,
        "accepted": 1,
        "corrected": 0,
        "rejected": 1,
    }


async def test_verdicts_are_counted_for_who_gave_them(reviewed: Any) -> None:
    reviewers = (await count(reviewed)).reviewers

    assert reviewers["ann"] == {"accepted": 1, "corrected": 0, "rejected": 1, "skipped": 0}
    assert reviewers["bob"] == {"accepted": 0, "corrected": 1, "rejected": 0, "skipped": 1}


async def test_days_of_review_are_the_zones_own(reviewed: Any) -> None:
    days = (await count(reviewed)).days

    assert [(day, captured, sum(given.values())) for day, (captured, given) in days.items()] == [
        (date(2026, 11, 20), 3, 3),
        (date(2026, 11, 21), 1, 1),
    ]


@pytest.mark.parametrize(
    ("wanted", "captured"),
    [
        (Wanted(device="porch"), 3),
        (Wanted(label="cup"), 1),
        (Wanted(min_confidence=0.5), 3),
        (Wanted(since=NIGHT), 1),
        (Wanted(source="edge"), 0),
    ],
)
async def test_review_is_of_the_events_that_are_asked_for(
    reviewed: Any, wanted: Wanted, captured: int
) -> None:
    found = await count(reviewed, wanted)

    assert sum(found.reasons.values()) == sum(found.states.values()) == captured


async def test_every_row_of_review_names_a_count(reviewed: Any) -> None:
    rows = (await count(reviewed)).rows()

    assert all(row.get("events", row.get("verdicts")) is not None for row in rows)
    assert {"figure": "review", "review": "open", "events": 2} in rows

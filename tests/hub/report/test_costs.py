"""What was paid is added up by operation, day and month of the zone, and batch by batch."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.report.costs import Costs
from hub.report.figures import count_figures
from hub.report.files import make_html
from hub.store.batches import begin_batch, write_batch
from hub.store.calls import begin_call, give_back_call, keep_answer
from hub.store.effects import Effect, begin_effect
from hub.store.tallies import Wanted

BERLIN = ZoneInfo("Europe/Berlin")
LATE = datetime(2026, 10, 31, 22, 59, 59, 999999, tzinfo=UTC)  # 23:59:59 in Berlin
MOMENTS = (LATE, LATE + timedelta(microseconds=1), LATE + timedelta(hours=2))


@pytest.fixture
async def paid(store: Any) -> Any:
    """A store in which two instances paid on two days, for calls, a tweet and a batch."""
    change = store.writer.change
    for number, moment in enumerate(MOMENTS):
        await change(lambda c, n=number, at=moment: begin_call(c, "signs", f"signs:{n}", "text", 0.001, at))
    free = await change(lambda c: begin_call(c, "signs", "signs:9", "text", 0.001, LATE))
    await change(partial(give_back_call, number=free))
    await change(lambda c: keep_answer(c, "signs", "signs:9", "labels", "{}", LATE))
    tweet = Effect("tweet", "1", 1, group="tweets", amount=0.015)
    await change(partial(begin_effect, effect=tweet, now=LATE))
    await change(partial(begin_effect, effect=Effect("alerts", "1", 1, group="mail"), now=LATE))
    batch = await change(partial(begin_batch, plugin="thumbs", backlog=40, now=LATE))
    batch.state, batch.memory = "ended", {"units": 2, "hours": 0.5, "cost": 4.0, "estimated_hours": 0.25}
    await change(partial(write_batch, row=batch, ended_at=LATE + timedelta(hours=1)))
    await change(partial(begin_batch, plugin="thumbs", backlog=7, now=LATE))
    return store


async def count(store: Any, wanted: Wanted | None = None, zone: ZoneInfo = BERLIN) -> Costs:
    return (count_figures(store.readers, wanted or Wanted(), zone)).costs


async def test_costs_are_of_the_zones_own_days(paid: Any) -> None:
    days = (await count(paid)).days

    assert days["signs", "text", date(2026, 10, 31)].calls == 1
    assert days["signs", "text", date(2026, 11, 1)].calls == 2
    assert (await count(paid, zone=ZoneInfo("UTC"))).days["signs", "text", date(2026, 10, 31)].calls == 2


async def test_costs_are_right_where_days_begin_between_hours(paid: Any) -> None:
    nepal = (await count(paid, zone=ZoneInfo("Asia/Kathmandu"))).days  # 5:45 ahead

    assert nepal["signs", "text", date(2026, 11, 1)].calls == 3


async def test_costs_are_summed_by_operation_and_month(paid: Any) -> None:
    costs = await count(paid)

    assert {name: round(own.usd, 6) for name, own in costs.operations.items()} == {
        ("signs", "text"): 0.003,
        ("thumbs", "batch"): 4.0,
        ("tweet", "tweets"): 0.015,
    }
    assert {month: round(own.usd, 6) for month, own in costs.by_month.items()} == {
        "2026-10": 4.016,
        "2026-11": 0.002,
    }


async def test_batch_is_told_with_its_estimate_and_unit_hours(paid: Any) -> None:
    done, begun = (await count(paid)).batches

    assert (done.estimated_unit_hours, done.unit_hours, done.usd, done.pictures) == (0.5, 1.0, 4.0, 40)
    assert (begun.unit_hours, begun.usd, begun.estimated_usd) == (None, None, None)


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        (Wanted(since=LATE), 5),
        (Wanted(until=LATE), 0),
        (Wanted(since=LATE + timedelta(microseconds=1)), 2),
        (Wanted(source="signs"), 3),
        (Wanted(device="porch"), 0),
        (Wanted(label="cup"), 0),
        (Wanted(min_confidence=0.5), 0),
    ],
)
async def test_costs_are_of_what_is_asked_for(paid: Any, wanted: Wanted, calls: int) -> None:
    assert (await count(paid, wanted)).all.calls == calls


async def test_rows_of_costs_name_what_they_are_of(paid: Any) -> None:
    rows = (await count(paid)).rows()

    assert [row["figure"] for row in rows].count("batch") == 2
    assert {"figure": "cost of month", "month": "2026-11", "calls": 2, "usd": 0.002} in rows


async def test_store_without_costs_has_no_rows(store: Any) -> None:
    assert (await count(store)).rows() == []


async def test_costs_are_drawn_and_told_on_the_page(paid: Any) -> None:
    page = make_html(count_figures(paid.readers, Wanted(), BERLIN)).decode()

    assert "Plot of the table below: Cost per day" in page
    assert "<bdi>thumbs</bdi>" in page

"""One instance behind its gate: what is delivered, what is held back, what a restart remembers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.dispatch.instance import InstanceSettings
from hub.dispatch.suppress.gate import Gate
from hub.plugin import Reject, RetryLater, Skip

NIGHT = {"hours": ["22:00-07:00"], "timezone": "Europe/Berlin"}


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(*events):
        await soon(store.add(*(arrivals.plain(event) for event in events)))

    return add


@pytest.fixture
def gated(start, wait_until):
    """A function that starts an instance behind a gate; `delivered` are the ids of what it was given."""

    async def begin(snoozes=None, end=None, digests=True, **settings):
        delivered = []

        async def deliver(event, frame, delivery):
            delivered.append(event.id)
            if end is not None:
                raise end

        running = await start(deliver, gated=True, snoozes=snoozes or {}, digests=digests, **settings)
        running.delivered = delivered
        return running

    return begin


def reasons(store):
    return dict(store.sql("SELECT event_id, reason FROM deliveries WHERE outcome = 'skipped'"))


async def test_gate_holds_what_comes_within_the_cooldown_of_its_camera(
    store, arrivals, gated, fill, clock, wait_until
):
    running = await gated(suppress={"cooldown_s": 300})
    door, yard = ({"attributes": {"camera": name}} for name in ("door", "yard"))
    await fill(
        arrivals.event(**door), arrivals.event(**door), arrivals.event(**yard), arrivals.event("attic")
    )
    await wait_until(lambda: running.cursor()[0] == 4)
    clock.advance(301)
    await fill(arrivals.event(**door))
    await wait_until(lambda: running.cursor()[0] == 5)

    assert running.delivered == [1, 3, 4, 5]
    assert reasons(store) == {2: "cooldown of porch/door holds until 2026-11-21 12:05:00 UTC"}


@pytest.mark.parametrize(
    ("per", "delivered"),
    [("label", [1, 2, 3, 4]), ("camera", [1, 3, 4]), ("device", [1, 4]), ("all", [1])],
)
async def test_gate_counts_by_what_the_cooldown_is_per(arrivals, gated, fill, wait_until, per, delivered):
    running = await gated(suppress={"cooldown_s": 300, "per": per})
    await fill(
        arrivals.event(),
        arrivals.event(label="dog"),
        arrivals.event(attributes={"camera": "door"}),
        arrivals.event("attic"),
        arrivals.event(),
    )
    await wait_until(lambda: running.cursor()[0] == 5)

    assert running.delivered == delivered


@pytest.mark.parametrize("end", [Skip("seen 1 of 3 times"), Reject("never")])
async def test_gate_takes_no_cooldown_for_what_came_to_nothing(arrivals, gated, fill, wait_until, end):
    running = await gated(end=end, suppress={"cooldown_s": 300, "max_per_hour": 1})
    await fill(*[arrivals.event()] * 5)
    await wait_until(lambda: running.cursor()[0] == 5)

    assert running.delivered == [1, 2, 3, 4, 5]


async def test_gate_gives_the_cooldown_back_when_the_last_attempt_failed(
    arrivals, gated, fill, clock, wait_until
):
    running = await gated(end=RetryLater(1, "down"), attempts=2, suppress={"cooldown_s": 1e6})
    await fill(arrivals.event(), arrivals.event())
    await wait_until(lambda: running.outcome(2) == "skipped")
    clock.advance(1000)
    await wait_until(lambda: running.outcome(1) == "dead")
    await fill(arrivals.event())
    await wait_until(lambda: running.outcome(3) == "retrying")

    assert running.delivered == [1, 1, 3]


async def test_gate_lets_no_more_through_than_its_quota(store, arrivals, gated, fill, clock, wait_until):
    running = await gated(suppress={"max_per_hour": 2, "max_per_day": 3})
    for position in (3, 6, 9, 12):
        await fill(*[arrivals.event()] * 3)
        await wait_until(lambda last=position: running.cursor()[0] == last)
        clock.advance(3601)
    clock.advance(86_400)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 13)

    assert running.delivered == [1, 2, 4, 13]
    assert (
        reasons(store)[3]
        == "quota of 2 an hour is used up until 2026-11-21 13:00:00 UTC; it comes in a digest"
    )
    assert (
        reasons(store)[5] == "quota of 3 a day is used up until 2026-11-22 12:00:00 UTC; it comes in a digest"
    )


async def test_gate_is_quiet_at_night_also_when_the_clock_is_put_back(
    store, arrivals, gated, fill, clock, wait_until
):
    clock.now = clock.now.replace(month=10, day=24, hour=19, minute=59)
    running = await gated(suppress={"quiet": NIGHT})
    for minute in (1, 599, 1, 2):  # 22:00 in summer, 06:59, 07:00 and after in winter
        await fill(arrivals.event())
        await wait_until(lambda n=running: n.cursor()[0] == len(store.sql("SELECT id FROM events")))
        clock.advance(60 * minute)

    assert running.delivered == [1, 4]
    assert reasons(store) == dict.fromkeys(
        (2, 3),
        "quiet hours (22:00-07:00 Europe/Berlin) until 2026-10-25 06:00:00 UTC; it comes in a digest",
    )


async def test_gate_holds_everything_while_snoozed(store, arrivals, gated, fill, clock, wait_until):
    snoozes = {"p": clock.now + timedelta(hours=2), "other": clock.now + timedelta(days=9)}
    running = await gated(snoozes, digests=False)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)
    snoozes["p"] = clock.now
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 2)

    assert running.delivered == [2]
    assert reasons(store) == {1: "snoozed until 2026-11-21 14:00:00 UTC"}
    assert store.sql("SELECT * FROM held") == []


async def test_gate_remembers_cooldown_and_quota_over_a_restart(
    store, arrivals, instance, fill, clock, wait_until
):
    settings = {"gated": True, "suppress": {"cooldown_s": 300, "max_per_day": 2}}

    async def deliver(event, frame, delivery):
        return f"told {event.id}"

    async with instance(deliver, **settings).run() as first:
        await fill(arrivals.event(), arrivals.event())
        await wait_until(lambda: first.cursor()[0] == 2)
    await store.reopen()
    async with instance(deliver, **settings).run() as second:
        await fill(arrivals.event(), arrivals.event("attic"), arrivals.event("yard"))
        await wait_until(lambda: second.cursor()[0] == 5)

    outcomes = [outcome for (outcome,) in store.sql("SELECT outcome FROM deliveries ORDER BY event_id")]
    assert outcomes == ["done", "skipped", "skipped", "done", "skipped"]


async def test_gate_remembers_over_a_restart_what_the_match_let_through(
    store, arrivals, instance, fill, clock, wait_until
):
    settings = {"gated": True, "match": {"once_within_s": 60, "new_after_s": 10}}
    delivered = []

    async def deliver(event, frame, delivery):
        delivered.append(event.id)

    def seen(second):
        return arrivals.event(captured_at=clock.now - timedelta(seconds=1000 - second))

    async with instance(deliver, **settings).run() as first:
        await fill(seen(0), seen(5), seen(30))
        await wait_until(lambda: first.cursor()[0] == 3)
    await store.reopen()
    async with instance(deliver, **settings).run() as second:
        await fill(seen(35), seen(70), seen(75))
        await wait_until(lambda: second.cursor()[0] == 6)

    assert delivered == [1, 5]
    assert second.cursor() == (6, 2, 4)


def test_gate_without_rules_lets_deliveries_go_side_by_side():
    free, counting = InstanceSettings(), InstanceSettings(suppress={"max_per_day": 5})
    assert [
        Gate("p", settings.match, settings.suppress, {}, digests=False).one_at_a_time
        for settings in (free, counting)
    ] == [False, True]

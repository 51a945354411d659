"""What was held back comes as one digest when the quiet time is over, and is settled as a delivery is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hub.dispatch.instance import Instance, InstanceSettings
from hub.dispatch.suppress.digests import Digests
from hub.explain import explain_event
from hub.plugin import DigestLine, RetryLater


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(*events):
        await soon(store.add(*(arrivals.plain(event) for event in events)))

    return add


@pytest.fixture
def digesting(store, start, clock):
    """A function that starts an instance and what sends its digests: `running.digests.send_due()`."""

    async def begin(hook, snoozes=None, **settings):
        async def deliver(event, frame, delivery):
            return f"told of {event.id}"

        running = await start(deliver, gated=True, snoozes=snoozes or {}, digests=True, **settings)
        made = Instance("p", InstanceSettings(**settings), deliver, digest=hook)
        running.digests = Digests(made, running.gate, store.writer, store.log, store.frames, clock)
        return running

    return begin


@pytest.fixture
def told():
    return []


@pytest.fixture
def hook(told):
    async def digest(digest, frame, delivery):
        told.append(digest)
        return f"{digest.count} held back"

    return digest


async def test_digest_tells_all_that_was_held_back_once_the_snooze_is_over(
    store, arrivals, digesting, hook, told, fill, clock, wait_until
):
    snoozes = {"p": clock.now + timedelta(hours=2)}
    running = await digesting(hook, snoozes, match={"labels": ["thumbs-up", "dog"]})
    await fill(
        *[arrivals.event(confidence=share) for share in (0.7, 0.9, 0.8)],
        arrivals.event("attic", "dog", attributes={"camera": "door"}),
        arrivals.event(label="cat"),
    )
    await wait_until(lambda: running.cursor()[0] == 5)
    assert not await running.digests.send_due()
    clock.advance(7201)
    assert await running.digests.send_due()
    assert not await running.digests.send_due()

    (digest,) = told
    noon = clock.now - timedelta(seconds=7201)
    assert (digest.number, digest.count, digest.rules, digest.more) == (1, 4, {"snooze": 4}, 0)
    assert (digest.since, digest.until, digest.latest.id) == (noon, noon, 4)
    assert digest.lines == (
        DigestLine("porch", None, "thumbs-up", 3, 0.9, noon, noon),
        DigestLine("attic", "door", "dog", 1, 0.9, noon, noon),
    )
    assert store.sql("SELECT outcome, attempt, note FROM digests") == [("done", 1, "4 held back")]


async def test_digest_is_explained_at_every_event_in_it(
    store, arrivals, digesting, hook, fill, clock, wait_until
):
    snoozes = {"p": clock.now + timedelta(hours=2)}
    running = await digesting(hook, snoozes)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)

    async def explained():
        (event,) = await store.log.by_ids([1])
        return [(found.outcome, found.reason) for found in await explain_event(store.engine, event)]

    held = "snoozed until 2026-11-21 14:00:00 UTC; it comes in a digest; "
    assert await explained() == [("skipped", held + "its digest waits for the quiet time to end")]
    clock.advance(7201)
    await running.digests.send_due()
    assert await explained() == [("skipped", held + "digest 1: done (1 held back)")]


async def test_digest_is_sent_when_a_snooze_is_ended_early(
    arrivals, digesting, hook, told, fill, clock, wait_until
):
    snoozes = {"p": clock.now + timedelta(hours=2)}
    running = await digesting(hook, snoozes)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)
    running.snoozes.clear()
    await running.digests.send_due()

    assert [digest.count for digest in told] == [1]


async def test_digest_tells_of_cooldowns_only_where_that_is_asked_for(
    arrivals, digesting, hook, told, fill, clock, wait_until
):
    running = await digesting(hook, suppress={"cooldown_s": 60, "digest": ["cooldown"]})
    await fill(*[arrivals.event()] * 3)
    await wait_until(lambda: running.cursor()[0] == 3)
    assert not await running.digests.send_due()
    clock.advance(61)
    await running.digests.send_due()
    await fill(arrivals.event())
    await wait_until(lambda: running.outcome(4) == "skipped")  # the digest took the cooldown

    assert [(digest.count, digest.rules) for digest in told] == [(2, {"cooldown": 2})]


async def test_digest_takes_one_place_in_the_quota(arrivals, digesting, hook, fill, clock, wait_until):
    running = await digesting(hook, suppress={"max_per_hour": 2, "per": "label"})
    await fill(*[arrivals.event(label=label) for label in ("a", "b", "c", "d")])
    await wait_until(lambda: running.cursor()[0] == 4)
    clock.advance(3601)
    await running.digests.send_due()
    await fill(arrivals.event(), arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 6)

    assert [running.outcome(event) for event in range(1, 7)] == [
        "done",
        "done",
        *["skipped"] * 2,
        "done",
        "skipped",
    ]


async def test_digest_is_tried_again_and_stays_the_same(
    store, arrivals, digesting, told, fill, clock, wait_until
):
    async def failing(digest, frame, delivery):
        told.append((digest.number, digest.count, delivery.attempt))
        if delivery.attempt == 1:
            raise RetryLater(100, "down")

    running = await digesting(failing, {"p": clock.now + timedelta(hours=1)})
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)
    clock.advance(3601)
    await running.digests.send_due()
    running.snoozes["p"] = clock.now + timedelta(seconds=200)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 2)
    assert not await running.digests.send_due()
    clock.advance(201)
    assert await running.digests.send_due()

    assert told == [(1, 1, 1), (1, 1, 2)]
    assert store.sql("SELECT outcome, attempt FROM digests") == [("done", 2)]


@pytest.mark.parametrize(
    ("trouble", "settled"),
    [
        (ConnectionError("gone"), ("dead", "ConnectionError: gone (attempt 1 of 1)")),
        (None, ("dead", "TimeoutError: took longer than timeout_s = 0.05 (attempt 1 of 1)")),
    ],
)
async def test_digest_that_fails_for_good_is_settled_as_dead(
    store, arrivals, digesting, fill, clock, wait_until, trouble, settled
):
    async def failing(digest, frame, delivery):
        if trouble:
            raise trouble
        await asyncio.Event().wait()

    running = await digesting(failing, {"p": clock.now + timedelta(hours=1)}, attempts=1, timeout_s=0.05)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)
    clock.advance(3601)
    await running.digests.send_due()

    assert store.sql("SELECT outcome, reason FROM digests") == [settled]
    assert not await running.digests.send_due()


async def test_digest_begun_before_a_crash_is_unknown_and_not_sent_again(
    store, arrivals, digesting, told, fill, clock, wait_until
):
    async def crashing(digest, frame, delivery):
        async with delivery.once(f"digest/{digest.number}"):
            told.append(digest.number)
            raise SystemExit(3)

    running = await digesting(crashing, {"p": clock.now + timedelta(hours=1)})
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)
    clock.advance(3601)
    await running.digests.send_due()

    assert not await running.digests.send_due()
    assert told == [1]
    assert store.sql("SELECT outcome FROM digests") == [("unknown",)]


async def test_digest_waits_over_a_restart(store, arrivals, instance, hook, told, fill, clock, wait_until):
    async def deliver(event, frame, delivery):
        pass

    snoozes = {"p": clock.now + timedelta(hours=1)}
    async with instance(deliver, gated=True, snoozes=snoozes, digests=True).run() as first:
        await fill(*[arrivals.event()] * 3)
        await wait_until(lambda: first.cursor()[0] == 3)
    await store.reopen()
    clock.advance(3601)
    async with instance(deliver, gated=True, digests=True).run() as second:
        made = Instance("p", InstanceSettings(), deliver, digest=hook)
        await Digests(made, second.gate, store.writer, store.log, store.frames, clock).send_due()

    assert [digest.count for digest in told] == [3]


async def test_digest_that_ignores_its_cancellation_is_tried_again(
    store, digesting, fill, arrivals, clock, soon, wait_until, monkeypatch
):
    monkeypatch.setattr("hub.dispatch.patience.ABANDON_AFTER_S", 0.01)
    released = asyncio.Event()

    async def hook(digest, frame, delivery):
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    running = await digesting(hook, {"p": clock.now + timedelta(hours=2)}, timeout_s=0.05)
    await fill(arrivals.event())
    await wait_until(lambda: running.cursor()[0] == 1)
    clock.advance(7201)
    assert await soon(running.digests.send_due())

    query = "SELECT outcome, reason FROM digests"
    assert store.sql(query)[0][0] == "retrying"
    assert "took longer than timeout_s = 0.05" in store.sql(query)[0][1]
    released.set()

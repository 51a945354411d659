"""One instance over a real store: what it settles, what it puts aside, what it waits for."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hub.plugin import Reject, RetryLater, Skip

FAR = 1000.0  # seconds; beyond every pause there is


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(count, **members):
        await soon(store.add(*(arrivals.plain(arrivals.event(**members)) for _ in range(count))))

    return add


async def test_runner_counts_what_simply_succeeds_without_a_row(store, start, fill, wait_until):
    seen = []

    async def deliver(event, frame, delivery):
        seen.append(event.id)

    running = await start(deliver)
    await fill(50)
    await wait_until(lambda: running.cursor() == (50, 50, 0))

    assert seen == list(range(1, 51))
    assert store.sql("SELECT * FROM deliveries") == []


async def test_runner_counts_what_the_match_leaves_out(start, fill, wait_until):
    async def deliver(event, frame, delivery):
        pytest.fail("not wanted")

    running = await start(deliver, match={"labels": ["dog"]})
    await fill(20)

    await wait_until(lambda: running.cursor() == (20, 0, 20))


@pytest.mark.parametrize(
    ("end", "outcome", "told"),
    [
        (lambda: "s3://key", "done", "s3://key"),
        (lambda: 42, "dead", "returned int; deliver must return None or a note (str)"),
        (Skip("quiet hours"), "skipped", "quiet hours"),
        (Reject("never"), "dead", "never"),
        (ValueError("x"), "retrying", "ValueError: x"),
        (SystemExit(2), "retrying", "SystemExit: 2"),
        (asyncio.CancelledError("mine"), "retrying", "CancelledError: mine"),
    ],
)
async def test_runner_keeps_a_row_of_every_other_end(start, fill, wait_until, end, outcome, told):
    async def deliver(event, frame, delivery):
        if event.id > 1:
            return None
        if isinstance(end, BaseException):
            raise end
        return end()

    running = await start(deliver)
    await fill(3)
    await wait_until(lambda: running.cursor() == (3, 2, 0))

    row = running.row(1)
    assert (row["outcome"], row["attempt"], row["note"] + row["reason"]) == (outcome, 1, told)


async def test_runner_retries_until_it_is_done(start, fill, clock, wait_until):
    attempts = []

    async def deliver(event, frame, delivery):
        attempts.append(delivery.attempt)
        if delivery.attempt < 3:
            raise ConnectionError("down")

    running = await start(deliver)
    await fill(1)
    for attempt in (1, 2):
        await wait_until(lambda n=attempt: (running.row() or {}).get("attempt") == n)
        clock.advance(FAR)
    await wait_until(lambda: running.outcome() == "done")

    assert attempts == [1, 2, 3]
    assert running.row()["attempt"] == 3


async def test_runner_gives_up_after_the_last_attempt(start, fill, clock, wait_until):
    async def deliver(event, frame, delivery):
        raise ConnectionError("down")

    running = await start(deliver, attempts=2)
    await fill(1)
    await wait_until(lambda: running.outcome() == "retrying")
    clock.advance(FAR)
    await wait_until(lambda: running.outcome() == "dead")

    assert running.row()["reason"] == "ConnectionError: down (attempt 2 of 2)"


async def test_runner_honours_the_pause_that_was_asked_for(store, start, fill, clock, wait_until):
    async def deliver(event, frame, delivery):
        if delivery.attempt == 1:
            raise RetryLater(500, "rate limit")

    running = await start(deliver)
    await fill(1)
    await wait_until(lambda: running.outcome() == "retrying")
    due_at = store.sql("SELECT due_at FROM deliveries")[0][0]
    clock.advance(499)
    running.runner.watch()
    await fill(1)
    await wait_until(lambda: running.cursor()[0] == 2)

    assert due_at == f"{clock.now + timedelta(seconds=1):%Y-%m-%d %H:%M:%S.%f}"
    assert running.outcome() == "retrying"
    clock.advance(2)
    await wait_until(lambda: running.outcome() == "done")


async def test_runner_cancels_a_delivery_at_its_timeout(start, fill, wait_until):
    async def deliver(event, frame, delivery):
        if event.id == 1:
            await asyncio.Event().wait()

    running = await start(deliver, timeout_s=0.05)
    await fill(3)
    await wait_until(lambda: running.outcome() == "retrying")

    assert running.row()["reason"] == "TimeoutError: took longer than timeout_s = 0.05"


async def test_runner_makes_good_deliveries_on_after_a_timeout(start, fill, clock, wait_until):
    async def deliver(event, frame, delivery):
        if delivery.attempt == 1 and event.id <= 2:
            await asyncio.Event().wait()

    running = await start(deliver, timeout_s=0.05, concurrency=1)
    await fill(5)
    for event_id in (1, 2):
        await wait_until(lambda n=event_id: running.outcome(n) == "retrying")
    clock.advance(FAR)

    await wait_until(lambda: [running.outcome(1), running.outcome(2)] == ["done", "done"])
    assert running.cursor() == (5, 3, 0)


@pytest.mark.usefixtures("put_aside_soon")
async def test_runner_gives_up_on_a_delivery_that_ignores_its_cancellation(start, fill, wait_until):
    released = asyncio.Event()

    async def deliver(event, frame, delivery):
        while event.id == 1 and not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    running = await start(deliver, timeout_s=0.05, concurrency=1)
    await fill(3)
    await wait_until(lambda: running.cursor() == (3, 2, 0))

    assert running.outcome() == "retrying"
    released.set()


@pytest.mark.usefixtures("put_aside_soon")
async def test_runner_keeps_its_concurrency_after_a_stuck_delivery_ends(start, fill, wait_until):
    released, under_way, most = asyncio.Event(), 0, 0

    async def deliver(event, frame, delivery):
        nonlocal under_way, most
        while event.id == 1 and not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        under_way += 1
        most = max(most, under_way)
        try:
            await asyncio.sleep(0)
        finally:  # on a busy machine even this may take longer than the timeout
            under_way -= 1

    running = await start(deliver, timeout_s=0.05, concurrency=1)
    await fill(1)
    await wait_until(lambda: running.outcome() == "retrying")
    released.set()
    await wait_until(lambda: most == 1)
    await fill(20)
    await wait_until(lambda: running.cursor()[0] == 21)

    assert most == 1


async def test_runner_tells_a_plugin_that_cancels_itself_from_its_own_end_after_a_timeout(
    start, fill, wait_until
):
    async def deliver(event, frame, delivery):
        if event.id == 1:
            await asyncio.Event().wait()
        if event.id == 2:
            raise asyncio.CancelledError("mine")

    running = await start(deliver, timeout_s=0.05, concurrency=1)
    await fill(3)
    await wait_until(lambda: running.cursor() == (3, 1, 0))

    assert running.row(2)["reason"] == "CancelledError: mine"


@pytest.mark.usefixtures("put_aside_soon")
async def test_runner_puts_a_long_delivery_aside_and_passes_it(start, fill, wait_until):
    released = asyncio.Event()

    async def deliver(event, frame, delivery):
        if event.id == 1:
            await released.wait()

    running = await start(deliver, concurrency=2)
    await fill(10)
    await wait_until(lambda: running.cursor() == (10, 9, 0))
    assert running.outcome() == "running"

    released.set()
    await wait_until(lambda: running.outcome() == "done")


async def test_runner_takes_no_more_than_the_window_beyond_the_cursor(start, fill, wait_until):
    seen, released = [], asyncio.Event()

    async def deliver(event, frame, delivery):
        seen.append(event.id)
        if event.id == 1:
            await released.wait()

    running = await start(deliver, window=5, concurrency=2)
    await fill(20)
    await wait_until(lambda: len(seen) == 5)
    await fill(1)
    assert seen == [1, 2, 3, 4, 5]

    released.set()
    await wait_until(lambda: running.cursor() == (21, 21, 0))


async def test_runner_waits_when_the_window_is_full_of_deliveries_aside(start, fill, clock, wait_until):
    failing = True

    async def deliver(event, frame, delivery):
        if failing:
            raise ConnectionError("down")

    running = await start(deliver, window=4)
    await fill(20)
    await wait_until(lambda: running.cursor()[0] == 4)
    await fill(1)
    assert running.cursor()[0] == 4

    failing = False
    clock.advance(FAR)
    await wait_until(lambda: running.cursor() == (21, 17, 0))


async def test_runner_logs_where_the_code_failed_once_an_outage(start, fill, wait_until, caplog):
    async def deliver(event, frame, delivery):
        return event.bst()

    running = await start(deliver)
    await fill(3)
    await wait_until(lambda: running.cursor() == (3, 0, 0))

    (said,) = (r.message for r in caplog.records if r.message.startswith("plugin.failing"))
    what, where, *_ = said.splitlines()
    assert what == "plugin.failing p: retrying: AttributeError: 'Event' object has no attribute 'bst'"
    assert where.startswith(f"  {__file__}:")
    assert where.endswith(" in deliver: return event.bst()")


async def test_runner_skips_what_is_too_old_and_says_so(start, fill, clock, wait_until):
    async def deliver(event, frame, delivery):
        return "fresh"

    running = await start(deliver, max_age_s=60)
    await fill(1, captured_at=clock.now - timedelta(seconds=61))
    await fill(1, captured_at=clock.now - timedelta(seconds=59))
    await wait_until(lambda: running.outcome(2) == "done")

    assert running.row(1)["outcome"] == "skipped"
    assert running.row(1)["reason"] == "too old: 61 s, max_age_s is 60"


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_runner_delivers_no_more_than_its_concurrency_at_a_time(start, fill, wait_until, concurrency):
    under_way, most = 0, 0

    async def deliver(event, frame, delivery):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    running = await start(deliver, concurrency=concurrency)
    await fill(40)
    await wait_until(lambda: running.cursor() == (40, 40, 0))

    assert most == concurrency


async def test_runner_reads_the_table_when_it_is_behind_the_tail(store, start, fill, wait_until):
    await fill(600)
    store.writer.tail._events.clear()  # as after a restart
    seen = []

    async def deliver(event, frame, delivery):
        seen.append(event.id)

    running = await start(deliver, concurrency=3)
    await fill(5)
    await wait_until(lambda: running.cursor() == (605, 605, 0))

    assert sorted(seen) == list(range(1, 606))


async def test_runner_takes_up_after_a_restart_what_was_aside(
    store, instance, start, fill, clock, wait_until
):
    async def fail(event, frame, delivery):
        if event.id == 2:
            raise ConnectionError("down")

    async with instance(fail).run() as first:
        await fill(3)
        await wait_until(lambda: first.cursor() == (3, 2, 0))
    await store.reopen()
    clock.advance(FAR)
    seen = []

    async def deliver(event, frame, delivery):
        seen.append((event.id, delivery.attempt))

    second = await start(deliver)
    await wait_until(lambda: second.outcome(2) == "done")

    assert seen == [(2, 2)]


@pytest.mark.usefixtures("put_aside_soon")
async def test_runner_takes_up_after_a_restart_what_was_running(store, instance, start, fill, wait_until):
    async def hang(event, frame, delivery):
        await asyncio.Event().wait()

    async with instance(hang).run() as first:
        await fill(1)
        await wait_until(lambda: first.outcome() == "running")
    await store.reopen()
    attempts = []

    async def deliver(event, frame, delivery):
        attempts.append(delivery.attempt)

    second = await start(deliver)
    await wait_until(lambda: second.outcome() == "done")

    assert attempts == [2]


async def test_runner_settles_as_unknown_what_left_an_effect_open(start, fill, wait_until):
    async def deliver(event, frame, delivery):
        async with delivery.once("tweet"):
            raise ConnectionResetError("gone")

    running = await start(deliver)
    await fill(1)
    await wait_until(lambda: running.outcome() == "unknown")

    assert "whether the effect took place is not known" in running.row()["reason"]


async def test_runner_settles_as_unknown_an_effect_that_timed_out(start, fill, soon, wait_until):
    begun = asyncio.Event()

    async def deliver(event, frame, delivery):
        async with delivery.once("tweet"):
            begun.set()
            await asyncio.Event().wait()

    running = await start(deliver, timeout_s=600)
    await fill(1)
    await soon(begun.wait())
    running.runner._jobs[1].started -= 600

    await wait_until(lambda: running.outcome() == "unknown")


async def test_runner_does_an_effect_once_over_several_attempts(store, start, fill, clock, wait_until):
    done = []

    async def deliver(event, frame, delivery):
        async with delivery.once("tweet"):
            done.append(delivery.attempt)
        raise ConnectionError("after the tweet")

    running = await start(deliver)
    await fill(1)
    await wait_until(lambda: running.outcome() == "retrying")
    clock.advance(FAR)
    await wait_until(lambda: running.outcome() == "done")

    assert done == [1]
    assert running.row()["note"].startswith("tweet was already done")


async def test_runner_that_fails_does_not_delay_another(start, fill, wait_until):
    async def fail(event, frame, delivery):
        raise ConnectionError("down")

    async def block(event, frame, delivery):
        await asyncio.Event().wait()

    async def work(event, frame, delivery):
        pass

    await start(fail, "failing", window=1)
    await start(block, "blocked", window=1)
    good = await start(work, "good")
    await fill(500)

    await wait_until(lambda: good.cursor() == (500, 500, 0))

"""A running instance in an outage, paused, stopped in good order, and told to try again."""

from __future__ import annotations

import asyncio

import pytest

from hub.plugin import Reject, RetryLater

DOWN = ConnectionError("down")


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(count, **members):
        await soon(store.add(*(arrivals.plain(arrivals.event(**members)) for _ in range(count))))

    return add


class Plugin:
    """A plugin whose far side can be down; it notes who was tried and who got through."""

    def __init__(self, trouble=DOWN):
        self.down = True
        self.trouble = trouble
        self.tried = []
        self.got = []

    async def deliver(self, event, frame, delivery):
        self.tried.append((event.id, delivery.attempt))
        if self.down:
            raise self.trouble
        self.got.append(event.id)


async def let_time_pass(running, clock, seconds):
    """Move the clock on in small steps, so that everything that becomes due is done in between."""
    for _ in range(int(seconds // 5)):
        clock.advance(5)
        await asyncio.sleep(0.015)  # three looks of the bench's watch


@pytest.mark.parametrize("trouble", [DOWN, RetryLater(1, "no answer")])
async def test_runner_lets_nothing_die_of_an_outage(start, fill, store, clock, wait_until, trouble):
    plugin = Plugin(trouble)
    running = await start(plugin.deliver, attempts=3, concurrency=2)
    await fill(30)
    await wait_until(lambda: running.runner._breaker.is_open)
    tried = len(plugin.tried)
    await let_time_pass(running, clock, 4000)
    probes = len(plugin.tried) - tried
    plugin.down = False
    clock.advance(100)
    await wait_until(lambda: not running.runner._breaker.is_open)
    await let_time_pass(running, clock, 1000)
    await wait_until(lambda: sorted(plugin.got) == list(range(1, 31)))

    assert 1 < probes < 4000 / 20
    await wait_until(lambda: store.sql("SELECT COUNT(*) FROM deliveries WHERE outcome != 'done'") == [(0,)])
    assert max(attempt for _, attempt in plugin.tried) <= 3


async def test_runner_tells_when_its_breaker_opens_and_closes(store, instance, fill, clock, wait_until):
    told, plugin = [], Plugin()
    async with instance(plugin.deliver).run() as running:
        running.runner._on_state = lambda state, reason: told.append((state, reason))
        await fill(30)
        await wait_until(lambda: told)
        plugin.down = False
        clock.advance(5)
        await wait_until(lambda: len(told) == 2)

    why = "10 failures in a row, probed until it works again: ConnectionError: down"
    assert told == [("probing", why), ("running", "")]


async def test_runner_moves_retries_on_by_the_time_its_breaker_was_open(
    store, start, fill, clock, wait_until
):
    plugin = Plugin()
    await start(plugin.deliver, concurrency=1)
    await fill(10)
    await wait_until(lambda: store.sql("SELECT COUNT(*) FROM deliveries") == [(10,)])
    clock.advance(10_000)
    plugin.down = False
    await wait_until(lambda: plugin.got)
    waits = "SELECT due_at FROM deliveries WHERE outcome = 'retrying'"

    await wait_until(lambda: {due_at[:13] for (due_at,) in store.sql(waits)} == {"2026-11-21 14"})
    assert len(plugin.got) == 1


async def test_runner_takes_a_refusal_for_no_outage(start, fill, wait_until):
    async def deliver(event, frame, delivery):
        raise Reject("no")

    running = await start(deliver)
    await fill(50)
    await wait_until(lambda: running.outcome(50) == "dead")

    assert not running.runner._breaker.is_open


async def test_runner_that_is_paused_begins_nothing(start, fill, clock, wait_until):
    plugin = Plugin()
    running = await start(plugin.deliver)
    await fill(1)
    await wait_until(lambda: running.outcome() == "retrying")
    running.runner.pause("rest")
    plugin.down = False
    clock.advance(1000)
    await fill(5)
    running.runner.watch()
    assert plugin.tried == [(1, 1)]

    running.runner.resume()
    await wait_until(lambda: sorted(plugin.got) == [1, 2, 3, 4, 5, 6])


async def test_runner_that_drains_ends_what_is_under_way_and_commits_it(store, start, fill, wait_until):
    released = asyncio.Event()

    async def deliver(event, frame, delivery):
        await released.wait()

    running = await start(deliver, concurrency=2)
    await fill(10)
    await wait_until(lambda: len(running.runner._jobs) == 2)
    draining = asyncio.create_task(running.runner.drain(30))
    released.set()
    await draining

    assert running.cursor() == (2, 2, 0)


async def test_runner_gives_up_draining_when_its_time_is_up(start, fill, wait_until):
    async def deliver(event, frame, delivery):
        await asyncio.Event().wait()

    running = await start(deliver)
    await fill(1)
    await wait_until(lambda: running.runner._jobs)
    await running.runner.drain(0.05)

    assert running.cursor() == (0, 0, 0)


async def test_runner_tries_a_retrying_delivery_at_once_when_told(start, fill, wait_until):
    plugin = Plugin(RetryLater(500, "rate limit"))
    running = await start(plugin.deliver)
    await fill(1)
    await wait_until(lambda: running.outcome() == "retrying")
    plugin.down = False
    await running.runner.retry([1])

    await wait_until(lambda: running.outcome() == "done")
    assert plugin.tried == [(1, 1), (1, 1)]

"""`ordered = true`: of each device one delivery at a time, and nothing overtakes one that failed."""

from __future__ import annotations

import asyncio

import pytest

from hub.plugin import Reject

FAR = 1000.0
DOWN = ConnectionError("down")


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(*devices):
        await soon(store.add(*(arrivals.plain(arrivals.event(device)) for device in devices)))

    return add


class Plugin:
    """Notes who got through, in order, and how many of a device were under way at once."""

    def __init__(self, failing=(), error=DOWN):
        self.failing = set(failing)
        self.error = error
        self.got = []
        self.most = 0
        self._under_way = []

    async def deliver(self, event, frame, delivery):
        self._under_way.append(event.device)
        self.most = max(self.most, self._under_way.count(event.device))
        await asyncio.sleep(0)
        self._under_way.remove(event.device)
        if event.id in self.failing:
            raise self.error
        self.got.append(event.id)


async def test_runner_delivers_one_at_a_time_for_each_device_in_order(start, fill, wait_until):
    plugin = Plugin()
    running = await start(plugin.deliver, ordered=True, concurrency=8)
    await fill(*("a", "b", "a", "a", "c") * 20)
    await wait_until(lambda: running.cursor() == (100, 100, 0))

    assert plugin.most == 1
    for place in (0, 1, 4):
        own = [event for event in plugin.got if (event - 1) % 5 == place]
        assert own == sorted(own)


async def test_runner_parks_a_devices_events_behind_one_that_failed(start, fill, clock, wait_until):
    plugin = Plugin(failing=[1])
    running = await start(plugin.deliver, ordered=True)
    await fill("a", "b", "a", "a", "b")
    await wait_until(lambda: running.cursor() == (5, 2, 0))
    parked = running.row(3)
    assert plugin.got == [2, 5]

    plugin.failing.clear()
    clock.advance(FAR)
    await wait_until(lambda: plugin.got == [2, 5, 1, 3, 4])
    await wait_until(lambda: [running.outcome(n) for n in (1, 3, 4)] == ["done"] * 3)
    assert (parked["outcome"], parked["reason"]) == ("parked", "waits for event 1 of a")


async def test_runner_releases_parked_events_when_the_first_is_dead(start, fill, wait_until):
    plugin = Plugin(failing=[1], error=Reject("never"))
    running = await start(plugin.deliver, ordered=True)
    await fill("a", "a", "a")
    await wait_until(lambda: plugin.got == [2, 3])

    await wait_until(lambda: running.outcome(1) == "dead")


async def test_runner_keeps_the_order_over_a_restart(store, instance, start, fill, clock, wait_until):
    plugin = Plugin(failing=[1])
    async with instance(plugin.deliver, ordered=True).run() as first:
        await fill("a", "a", "b", "a")
        await wait_until(lambda: first.outcome(4) == "parked")
    await store.reopen()
    plugin.failing.clear()
    plugin.got.clear()
    second = await start(plugin.deliver, ordered=True)
    await fill("a")
    await wait_until(lambda: second.outcome(5) == "parked")
    clock.advance(FAR)

    await wait_until(lambda: plugin.got == [1, 2, 4, 5])


async def test_runner_counts_parked_events_towards_its_window(start, fill, clock, wait_until):
    plugin = Plugin(failing=[1])
    running = await start(plugin.deliver, ordered=True, window=3)
    await fill("a", "a", "a", "a", "b")
    await wait_until(lambda: running.outcome(3) == "parked")
    assert plugin.got == []

    plugin.failing.clear()
    clock.advance(FAR)
    await wait_until(lambda: sorted(plugin.got) == [1, 2, 3, 4, 5])

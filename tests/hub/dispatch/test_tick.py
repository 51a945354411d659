"""The tick hook: called with the hub's clock, by itself, with a ledger; its failures stay its own."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hub.dispatch.instance import Instance, InstanceSettings
from hub.dispatch.tick import Ticking, running_beside
from hub.plugin import AlreadyDone


@pytest.fixture
def ticking(store, clock):
    """A function that makes what calls a tick hook."""

    def make(hook, **settings):
        instance = Instance("p", InstanceSettings(**settings), deliver=hook, tick=hook)
        return Ticking(instance, store.writer, store.log, clock)

    return make


async def test_tick_is_given_the_hubs_clock_and_the_log_up_to_now(store, arrivals, ticking, soon, clock):
    await soon(store.add(arrivals.plain(), arrivals.plain()))
    seen = []

    async def tick(now, delivery):
        count = await delivery.count_events(since=now - timedelta(hours=1), device="porch")
        seen.append((now, count, delivery.plugin))

    await ticking(tick).tick()

    assert seen == [(clock.now, 2, "p")]


async def test_tick_guards_its_effects_as_deliveries_do(store, ticking):
    done = []

    async def tick(now, delivery):
        try:
            async with delivery.once("silence/porch", group="silence"):
                done.append(now)
        except AlreadyDone:
            pass

    ticks = ticking(tick)
    await ticks.tick()
    await ticks.tick()

    assert len(done) == 1
    assert store.sql('SELECT plugin, key, "group", event_id, state FROM effects') == [
        ("p", "silence/porch", "silence", 0, "done")
    ]


@pytest.mark.parametrize("trouble", [ValueError("x"), SystemExit(2), asyncio.CancelledError("mine")])
async def test_tick_that_fails_is_logged_when_it_begins_and_when_it_ends(ticking, caplog, trouble):
    caplog.set_level("INFO")
    troubles = [trouble, trouble, None, None]

    async def tick(now, delivery):
        if error := troubles.pop(0):
            raise error

    ticks = ticking(tick)
    for _ in range(4):
        await ticks.tick()

    said = [record.getMessage() for record in caplog.records if "tick" in record.getMessage()]
    assert said == [f"plugin.tick_failing p: {type(trouble).__name__}: {trouble}", "plugin.tick_recovered p"]


async def test_tick_is_cancelled_at_its_timeout(ticking, caplog):
    async def tick(now, delivery):
        await asyncio.Event().wait()

    await ticking(tick, timeout_s=0.05).tick()

    assert "plugin.tick_failing p: TimeoutError" in caplog.text


async def test_tick_comes_again_and_again_until_the_instance_ends(ticking, wait_until):
    seen = []

    async def tick(now, delivery):
        seen.append(now)

    running = asyncio.create_task(ticking(tick, tick_s=1).run())
    await wait_until(lambda: len(seen) >= 2)
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()


@pytest.fixture
def stubborn(monkeypatch):
    """A tick hook that ignores its cancellation until the test is over."""
    monkeypatch.setattr("hub.dispatch.patience.ABANDON_AFTER_S", 0.01)
    monkeypatch.setattr("hub.dispatch.tick.ABANDON_AFTER_S", 0.01)
    released = asyncio.Event()

    async def tick(now, delivery):
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    yield tick
    released.set()


async def test_tick_that_ignores_its_cancellation_is_left_to_itself(ticking, soon, caplog, stubborn):
    await soon(ticking(stubborn, timeout_s=0.05).tick())

    assert "plugin.tick_failing p: TimeoutError: took longer than timeout_s = 0.05" in caplog.text


async def test_instance_ends_though_its_tick_ignores_its_cancellation(ticking, soon, caplog, stubborn):
    async def end():
        async with running_beside("p", ticking(stubborn).run()):
            await asyncio.sleep(0)

    await soon(end())

    assert "plugin.stuck p: its tick, digest or source ignores its cancellation" in caplog.text

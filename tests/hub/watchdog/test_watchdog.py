"""The watchdog on a real loop that is really blocked."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from hub.watchdog.held_back import HeldBack
from hub.watchdog.presence import Presence
from hub.watchdog.settings import WatchdogSettings
from hub.watchdog.steps import PRESENCE, context_for, make_task, mark_event
from hub.watchdog.watchdog import EXIT_BLOCKED, Watchdog


@pytest.fixture
async def watching(tmp_path):
    """A function that makes a watchdog with `held`, `told` and `left`; `block(until)` blocks as plugin p."""
    loop = asyncio.get_running_loop()
    presence = Presence(tmp_path / "on-the-loop")
    loop.set_task_factory(make_task)
    token = PRESENCE.set(presence)

    class Watching:
        held = HeldBack(tmp_path, {"p": {}})
        left = threading.Event()

        def __init__(self, **seconds):
            self.told = []
            settings = WatchdogSettings(**seconds)
            self.watchdog = Watchdog(
                presence, self.held, settings, lambda *told: self.told.append(told), lambda _: self.left.set()
            )

        async def block(self, until, timeout_s=60):
            async def deliver():
                mark_event(7)
                deadline = time.monotonic() + timeout_s
                while not until() and time.monotonic() < deadline:
                    time.sleep(0.01)  # noqa: ASYNC251 - what a plugin must not do

            await loop.create_task(deliver(), context=context_for("p"))

    yield Watching
    PRESENCE.reset(token)
    loop.set_task_factory(None)


async def test_watchdog_names_who_blocks_the_loop_and_where(watching, caplog, wait_until):
    its = watching(blocked_after_s=0.2)
    with its.watchdog.watch():
        await its.block(lambda: "loop.blocked" in caplog.text)
        await wait_until(lambda: its.told)

    assert "by plugin p at event 7, in" in caplog.text
    assert "deliver (" in caplog.text
    assert "loop.free after" in caplog.text
    assert its.told[0][0] == "p"
    assert "at event 7" in its.told[0][1]
    assert its.held.refusal("p") is None


async def test_watchdog_holds_back_who_goes_on_blocking(watching, wait_until):
    its = watching(blocked_after_s=0.2, hold_back_after_s=0.4)
    with its.watchdog.watch():
        await its.block(lambda: its.held.refusal("p"))

    assert "it blocked the hub for more than" in its.held.refusal("p")


async def test_watchdog_ends_a_hub_that_stays_blocked(watching, caplog):
    its = watching(blocked_after_s=0.2, hold_back_after_s=0.3, end_after_s=0.5)
    with its.watchdog.watch():
        await its.block(its.left.is_set)

    assert its.left.is_set()
    assert EXIT_BLOCKED == 75
    assert "hub.ended: p blocked the hub" in caplog.text


async def test_watchdog_holds_nobody_back_for_many_short_steps(watching, caplog):
    its = watching(blocked_after_s=0.2, hold_back_after_s=1)

    async def step(number):
        time.sleep(0.03)  # noqa: ASYNC251 - many of them keep the loop from its turn

    with its.watchdog.watch():
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.create_task(step(n), context=context_for("p")) for n in range(40)))

    assert its.held.refusal("p") is None


async def test_watchdog_ends_a_blocked_hub_though_nothing_can_be_written_down(watching, caplog, tmp_path):
    (tmp_path / ".held-back.json.partial").mkdir()
    its = watching(blocked_after_s=0.2, hold_back_after_s=0.3, end_after_s=0.5)
    with its.watchdog.watch():
        await its.block(its.left.is_set)

    assert its.left.is_set()
    assert "plugin.not_held_back p: it blocked the hub" in caplog.text
    assert "could not be written down" in caplog.text
    assert "plugin.held_back" not in caplog.text


async def test_watchdog_does_not_mind_a_loop_that_was_closed(watching, wait_until, monkeypatch):
    failures = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    watchdog = watching().watchdog
    watch = watchdog.watch()

    async def enter():
        watch.__enter__()

    await asyncio.to_thread(asyncio.run, enter())
    await wait_until(lambda: not watchdog._answered)
    watch.__exit__(None, None, None)

    assert failures == []

"""The marks that a plugin's tasks leave while they run."""

from __future__ import annotations

import asyncio

import pytest

from hub.watchdog.presence import Found, Presence, find_last
from hub.watchdog.steps import PRESENCE, context_for, make_task, mark_event


@pytest.fixture
async def presence(tmp_path):
    loop = asyncio.get_running_loop()
    loop.set_task_factory(make_task)
    made = Presence(tmp_path / "on-the-loop")
    token = PRESENCE.set(made)
    yield made
    PRESENCE.reset(token)
    loop.set_task_factory(None)


async def test_step_marks_its_plugin_and_event_for_as_long_as_it_runs(presence):
    async def deliver():
        mark_event(7)
        first = presence.find()
        await asyncio.sleep(0)
        return first, presence.find()

    task = asyncio.get_running_loop().create_task(deliver(), context=context_for("tweet"))
    assert await task == (Found("tweet", 7), Found("tweet", 7))
    assert presence.find() is None


async def test_step_of_a_task_that_a_plugin_makes_is_the_plugin_s(presence):
    async def deliver():
        async with asyncio.TaskGroup() as group:
            return await group.create_task(child())

    async def child():
        return presence.find()

    await asyncio.create_task(child())
    task = asyncio.get_running_loop().create_task(deliver(), context=context_for("tweet"))
    assert await task == Found("tweet", 0)


async def test_step_of_the_hub_marks_nobody(presence):
    async def look():
        return presence.find()

    assert await asyncio.create_task(look()) is None


async def test_stepped_task_raises_is_cancelled_and_tells_its_stack(presence):
    async def fail():
        raise ValueError("x")

    async def wait():
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    failing, waiting, never = (loop.create_task(f(), context=context_for("p")) for f in (fail, wait, wait))
    never.cancel()
    await asyncio.wait([failing, never])
    waiting.cancel()
    await asyncio.wait([waiting])

    assert isinstance(failing.exception(), ValueError)
    assert (waiting.cancelled(), never.cancelled()) == (True, True)
    assert presence.find() is None


async def test_presence_tells_who_was_on_the_loop_at_an_end_without_a_stop(presence, tmp_path):
    async def look():
        mark_event(9)
        return find_last(tmp_path / "on-the-loop")

    task = asyncio.get_running_loop().create_task(look(), context=context_for("café"))
    assert await task == Found("café", 9)


def test_presence_is_empty_after_an_orderly_stop_or_without_a_file(tmp_path):
    path = tmp_path / "on-the-loop"
    assert find_last(path) is None
    made = Presence(path)
    made.cells[0] = made.number("p")
    assert find_last(path) == Found("p", 0)
    made.stop()
    assert find_last(path) is None


@pytest.mark.parametrize("data", [b"", b"x", b"\xff" * 262_144, b"\xff" * 10])
def test_presence_of_a_damaged_file_names_nobody(tmp_path, data):
    (tmp_path / "on-the-loop").write_bytes(data)

    assert find_last(tmp_path / "on-the-loop") is None

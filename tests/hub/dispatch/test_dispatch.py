"""All instances of one hub: their start, their place in the log, and what becomes of broken ones."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from hub.dispatch.dispatch import Dispatch
from hub.dispatch.instance import Instance, InstanceSettings
from hub.loading import Broken, Loaded


class Plugin:
    """A plugin that notes what it was given; as a context it may fail."""

    def __init__(self, trouble=None):
        self.trouble = trouble
        self.seen = []
        self.states = []

    async def __aenter__(self):
        if self.trouble:
            raise self.trouble
        self.states.append("entered")
        return self

    async def __aexit__(self, *error):
        self.states.append("left")

    async def deliver(self, event, frame, delivery):
        self.seen.append(event.id)


def loaded(name, plugin, **settings):
    return Loaded(Instance(name, InstanceSettings(**settings), plugin.deliver), plugin)


@pytest.fixture
def dispatching(store, soon):
    @asynccontextmanager
    async def run(*instances):
        ready = asyncio.Event()
        running = asyncio.create_task(Dispatch(store.writer, store.log, store.frames).run(instances, ready))
        await soon(ready.wait())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait([running])

    return run


@pytest.fixture
def state(store):
    return lambda name: (
        store.sql("SELECT state, reason FROM plugin_states WHERE plugin = ?", name) or [None]
    )[0]


async def test_dispatch_enters_and_leaves_plugins(dispatching, state, wait_until):
    plugin = Plugin()
    async with dispatching(loaded("p", plugin)):
        await wait_until(lambda: state("p") == ("running", ""))

    assert plugin.states == ["entered", "left"]


@pytest.mark.parametrize(
    "trouble",
    [
        *(kind("no key") for kind in (ValueError, SystemExit, KeyboardInterrupt, GeneratorExit)),
        asyncio.CancelledError("no key"),
        OSError("no\udcffkey"),
        BaseExceptionGroup("several", [KeyboardInterrupt("no key")]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_dispatch_names_a_plugin_that_does_not_start_and_runs_the_rest(
    store, dispatching, arrivals, state, soon, wait_until, trouble
):
    good = Plugin()
    async with dispatching(loaded("bad", Plugin(trouble)), loaded("good", good)):
        await soon(store.add(arrivals.plain()))
        await wait_until(lambda: good.seen == [1])
        await wait_until(lambda: state("bad") is not None)

    cause = trouble.exceptions[0] if isinstance(trouble, BaseExceptionGroup) else trouble
    assert state("bad") == ("failed", f"{type(cause).__name__}: no key")


async def test_dispatch_names_a_plugin_that_could_not_be_loaded(dispatching, state):
    async with dispatching(Broken("bad", ("plugins.bad: a", "plugins.bad: b"))):
        assert state("bad") == ("failed", "plugins.bad: a; plugins.bad: b")


async def test_dispatch_gives_up_on_a_plugin_that_takes_too_long_to_start(
    dispatching, state, monkeypatch, wait_until
):
    monkeypatch.setattr("hub.dispatch.running.START_S", 0.05)

    class Slow(Plugin):
        async def __aenter__(self):
            await asyncio.Event().wait()

    async with dispatching(loaded("slow", Slow())):
        await wait_until(lambda: state("slow") == ("failed", "TimeoutError: did not start within 0.05 s"))


@pytest.mark.parametrize(("start", "seen"), [("now", [3]), ("beginning", [1, 2, 3])])
async def test_dispatch_starts_a_new_instance_where_it_asks(
    store, dispatching, arrivals, soon, wait_until, start, seen
):
    await soon(store.add(arrivals.plain(), arrivals.plain()))
    plugin = Plugin()
    async with dispatching(loaded("p", plugin, start=start)):
        await soon(store.add(arrivals.plain()))
        await wait_until(lambda: plugin.seen == seen)


async def test_dispatch_goes_on_where_an_instance_stood(store, dispatching, arrivals, soon, wait_until):
    first, second = Plugin(), Plugin()
    async with dispatching(loaded("p", first)):
        await soon(store.add(arrivals.plain(), arrivals.plain()))
        await wait_until(lambda: store.sql("SELECT position FROM cursors") == [(2,)])
    await soon(store.add(arrivals.plain()))
    async with dispatching(loaded("p", second, start="now")):
        await wait_until(lambda: second.seen == [3])

    assert first.seen == [1, 2]


async def test_dispatch_remembers_which_match_held_from_when_on(
    store, dispatching, arrivals, soon, wait_until
):
    for match in ({}, {"labels": ["b", "a"]}, {"labels": ["a", "b"]}, {"min_confidence": 0.5}):
        async with dispatching(loaded("p", Plugin(), match=match)):
            await soon(store.add(arrivals.plain()))
            newest = store.writer.tail.newest
            await wait_until(lambda n=newest: store.sql("SELECT position FROM cursors") == [(n,)])

    held = store.sql("SELECT from_id, match FROM plugin_revisions ORDER BY 1")
    assert [(from_id, json.loads(match)) for from_id, match in held] == [
        (1, {}),
        (2, {"labels": ["a", "b"]}),
        (4, {"min_confidence": 0.5}),
    ]

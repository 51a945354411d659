"""Where no row tells it, cursors and matches tell what came of an event."""

from __future__ import annotations

import pytest

from hub.explain import explain_event
from hub.store.plugin_state import note_match, note_state, open_cursor
from hub.store.settlement import Settlement


@pytest.fixture
def explained(store, arrivals, soon):
    """A function: what is told of one of three events about plugin p, which began after event 1."""

    async def ask(event_id, position=3, configured=("p", "never")):
        await soon(store.add(*(arrivals.plain() for _ in range(3))))
        await store.writer.change(lambda c: open_cursor(c, "p", 1))
        await store.writer.change(lambda c: note_match(c, "p", 2, {"labels": ["dog"]}))
        await store.writer.change(lambda c: note_match(c, "p", 3, {}))

        class Moved:
            def take_settlement(self):
                return Settlement("p", position, 1, 1, (), lambda: None)

        store.writer.settle(Moved(), at_once=True)
        await store.writer.change(lambda c: note_state(c, "p", "running", ""))
        (event,) = await store.log.by_ids([event_id])
        return [(e.plugin, e.outcome, e.reason) for e in await explain_event(store.engine, event, configured)]

    return ask


async def test_explain_tells_done_where_the_match_that_held_lets_it_through(explained):
    assert await explained(3) == [("p", "done", "")]


async def test_explain_tells_the_filter_that_held_then(explained):
    assert await explained(2) == [("p", "skipped", "filter: no detection is labelled dog")]


async def test_explain_tells_that_the_plugin_was_enabled_later(explained):
    assert await explained(1) == [("p", "skipped", "it was enabled later, from event 2 on")]


async def test_explain_tells_what_is_not_delivered_yet(explained):
    assert await explained(3, position=2) == [("p", "waiting", "not delivered yet")]


async def test_explain_tells_why_a_plugin_cannot_run(store, explained):
    await store.writer.change(lambda c: note_state(c, "never", "failed", "no key"))
    found = await explained(3, position=2)

    assert ("never", "waiting", "it cannot run: no key") in found


async def test_explain_tells_that_a_plugin_with_something_open_was_removed(explained):
    found = await explained(3, position=2, configured=())

    assert found == [("p", "waiting", "it is not in hub.toml; name it again to go on from there")]


async def test_explain_tells_what_a_removed_plugin_had_done(explained):
    assert await explained(3, configured=()) == [("p", "done", "")]

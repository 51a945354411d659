"""Plain messages with a key are stored once, whoever brings them again; other bytes are a conflict."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture
def keyed(arrivals):
    def make(key="queue:1", payload=b"one", picture=None):
        event = arrivals.event(source="queue", key=key)
        return arrivals(payload=payload, events=(event,), device="porch", picture=picture)

    return make


def stored(store):
    return store.sql("SELECT key FROM events ORDER BY id"), store.sql("SELECT code, reason FROM quarantine")


@pytest.mark.parametrize("together", [True, False])
async def test_message_that_comes_again_under_its_key_is_stored_once(store, keyed, soon, together):
    bursts = [[keyed(), keyed()]] if together else [[keyed()], [keyed()]]
    for burst in bursts:
        await soon(store.add(*burst))

    assert stored(store) == ([("queue:1",)], [])


async def test_message_that_comes_again_after_a_restart_is_stored_once(store, keyed, soon):
    await soon(store.add(keyed()))
    await store.reopen()
    await soon(store.add(keyed(), keyed("queue:2", b"two")))

    assert stored(store) == ([("queue:1",), ("queue:2",)], [])


@pytest.mark.parametrize("together", [True, False])
async def test_other_bytes_under_a_known_key_are_a_conflict(store, keyed, soon, together):
    bursts = [[keyed(), keyed(payload=b"two")]] if together else [[keyed()], [keyed(payload=b"two")]]
    for burst in bursts:
        await soon(store.add(*burst))

    reason = "the key queue:1 belongs to an event of another message"
    assert stored(store) == ([("queue:1",)], [("key_conflict", reason)])


async def test_keyed_message_leaves_nothing_for_the_garbage_collector(store, keyed, soon):
    await soon(store.add(keyed("queue:0")))
    gc.collect()
    gc.disable()
    try:
        for number in range(1, 11):
            await soon(store.add(keyed(f"queue:{number}", b"%d" % number)))
        assert gc.collect() < 10, "less than one object a message"
    finally:
        gc.enable()

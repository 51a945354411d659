"""A plugin's source: acknowledged after commit and in order, begun anew when it fails, ended with the hub."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from hub.decode.message import Decoded, Message
from hub.event import NewEvent
from hub.sources import hooked
from hub.sources.hooked import HookedSource
from hub.store.database import database_path

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def message(number, **members):
    return Message(
        **{"source": "queue", "topic": "q", "payload": b"%d" % number, "received_at": NOW} | members
    )


def decode(taken):
    return Decoded(
        events=(NewEvent(source="queue", device="porch", captured_at=NOW, key=f"q:{taken.payload!r}"),)
    )


class Queue:
    """Gives what is not acknowledged, then waits; fails as its test wants."""

    name = "queue"

    def __init__(self, waiting, ends=False, troubles=()):
        self.waiting = list(waiting)
        self.ends = ends
        self.troubles = list(troubles)
        self.acknowledged = []
        self.entered = self.left = 0

    async def __aenter__(self):
        self.entered += 1
        return self

    async def __aexit__(self, *error):
        self.left += 1

    async def messages(self):
        for one in list(self.waiting):
            yield one
        if self.troubles:
            raise self.troubles.pop(0)
        if not self.ends:
            await asyncio.Event().wait()

    async def acknowledge(self, one):
        self.waiting.remove(one)
        self.acknowledged.append(one.payload)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(hooked, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(hooked, "FINISH_S", 60.0)  # a busy machine may need it to commit the rest


@pytest.fixture
def running(store):
    @asynccontextmanager
    async def run(queue):
        source = HookedSource("birdhouse", queue, decode, store.writer)
        task = asyncio.create_task(source.run())
        try:
            yield source
        finally:
            task.cancel()
            await asyncio.wait([task])

    return run


def count(store):
    return store.sql("SELECT COUNT(*) FROM events")[0][0]


async def test_source_is_acknowledged_in_order_after_the_commit(store, running, wait_until):
    queue = Queue([message(n) for n in range(100)])
    lock = sqlite3.connect(database_path(store.data_dir), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    async with running(queue) as source:
        await wait_until(lambda: not store.writer.has_room() or store.writer._settling == {})
        assert queue.acknowledged == []
        lock.execute("ROLLBACK")
        lock.close()
        await wait_until(lambda: len(queue.acknowledged) == 100)

        assert source.report() == (True, "100 messages committed")
    assert queue.acknowledged == [b"%d" % n for n in range(100)]
    assert count(store) == 100


async def test_source_that_fails_is_left_entered_again_and_named_meanwhile(store, running, wait_until):
    queue = Queue([message(1)], troubles=[ConnectionError("gone\x1b"), SystemExit("bye"), OSError("x")])
    async with running(queue):
        await wait_until(lambda: queue.entered == 4)

    assert (queue.left, queue.acknowledged, count(store)) == (4, [b"1"], 1)


async def test_source_that_goes_on_failing_says_why(running, wait_until):
    queue = Queue([], troubles=[ConnectionError("gone")] * 10_000)
    async with running(queue) as source:
        await wait_until(lambda: queue.entered > 2)
        assert source.report() == (False, "ConnectionError: gone; trying again until it works")


async def test_source_whose_acknowledgement_fails_gives_the_message_again_and_it_is_stored_once(
    store, running, wait_until
):
    queue = Queue([message(1), message(2)])
    honest = queue.acknowledge
    tries = []

    async def acknowledge(one):
        tries.append(one.payload)
        if len(tries) == 1:
            raise ConnectionError("gone")
        await honest(one)

    queue.acknowledge = acknowledge
    async with running(queue):
        await wait_until(lambda: queue.acknowledged == [b"1", b"2"])

    assert tries == [b"1", b"1", b"2"]
    assert count(store) == 2


async def test_source_that_ends_is_not_asked_again(running, wait_until):
    queue = Queue([message(1)], ends=True)
    async with running(queue) as source:
        await wait_until(lambda: queue.left == 1)

        assert source.report() == (True, "1 message committed, and it has ended")
    assert (queue.entered, queue.acknowledged) == (1, [b"1"])


async def test_source_that_is_stopped_has_everything_read_acknowledged(store, running, wait_until):
    queue = Queue([message(n) for n in range(500)])
    async with running(queue):
        await wait_until(lambda: count(store) > 0)

    assert len(queue.acknowledged) == count(store)
    assert queue.left == 1


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("text", "TypeError: messages() yielded str, not Message"),
        (message(1, topic="a\x00b"), "ValueError: a message's topic must be printable"),
        (message(1, source="\ud800"), "ValueError: a message's source must be printable"),
        (message(1, payload="text"), "ValueError: a message's payload must be bytes"),
        (message(1, received_at=datetime(2026, 1, 1)), "received_at must have a time zone"),  # noqa: DTZ001
    ],
)  # fmt: skip
async def test_source_that_yields_what_cannot_be_stored_says_so(store, running, wait_until, wrong, text):
    queue = Queue([wrong])
    async with running(queue) as source:
        await wait_until(lambda: queue.left > 1)
        assert text in source.report()[1]
    assert count(store) == 0


async def test_source_that_does_not_stop_keeps_the_hub_no_longer_than_its_time(
    running, wait_until, monkeypatch
):
    monkeypatch.setattr(hooked, "FINISH_S", 0.1)
    released = asyncio.Event()

    class Stubborn(Queue):
        async def messages(self):
            yield message(1)
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

    queue = Stubborn([message(1)])
    async with running(queue):
        await wait_until(lambda: queue.acknowledged == [b"1"])
    released.set()
    await wait_until(lambda: queue.left == 1)

"""The sender, over a real Mosquitto that is killed, and one with rules."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.deeplens.outbox import Letter, Outbox
from edge.deeplens.sender import Sender
from edge.link import Broker
from hub.wire.connection import Connection

INFER = "$aws/things/thing/infer"
RULES = "topic read #\ntopic read $aws/#\ntopic write lenshub/#\ntopic write $aws/things/thing/infer\n"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "o.db", 2**24) as opened:
        yield opened


def fill(outbox: Outbox, first: int, last: int) -> None:
    for number in range(first, last):
        outbox.append(INFER, str(number).encode())


async def hear(broker, count: int, subscribed: asyncio.Event | None = None) -> list[int]:
    """Return the numbers that arrive, until there are `count` different ones."""
    numbers: list[int] = []
    async with Connection(broker.host, broker.port, client_id="listener") as connection, asyncio.timeout(60):
        await connection.subscribe([INFER])
        if subscribed is not None:
            subscribed.set()
        while len(set(numbers)) < count:
            burst = await connection.receive()
            connection.acknowledge(burst)
            numbers += [int(message.payload) for message in burst]
    return numbers


async def test_sender_sends_in_order_and_empties_the_outbox(outbox, broker, in_background):
    fill(outbox, 0, 300)
    subscribed = asyncio.Event()
    hearing = asyncio.create_task(hear(broker, 300, subscribed))
    await subscribed.wait()
    sender = Sender(outbox, "thing", Broker(broker.host, broker.port))
    in_background(sender.run())
    async with asyncio.timeout(60):
        await sender.drained()
    assert outbox.pending == 0
    assert await hearing == list(range(300))


async def test_sender_keeps_letters_while_the_broker_is_away(outbox, broker, in_background, wait_until):
    broker.kill()
    sender = Sender(outbox, "thing", Broker(broker.host, broker.port), jitter=lambda: 0)
    in_background(sender.run())
    fill(outbox, 0, 100)
    broker.start()
    async with asyncio.timeout(60):
        await sender.drained()
    assert outbox.pending == 0


async def test_sender_loses_nothing_when_the_broker_is_killed_amid_sending(outbox, broker, in_background):
    sender = Sender(outbox, "thing", Broker(broker.host, broker.port), jitter=lambda: 0)
    subscribed = asyncio.Event()
    hearing = asyncio.create_task(hear(broker, 50, subscribed))
    await subscribed.wait()
    in_background(sender.run())
    fill(outbox, 0, 50)
    sender.wake()
    assert sorted(set(await hearing)) == list(range(50))
    broker.kill()
    fill(outbox, 50, 100)
    broker.start()
    async with asyncio.timeout(60):
        await sender.drained()
    assert outbox.pending == 0


class SlowDisk(Outbox):
    """An outbox that was looked into, and tells it only once it is let `go`."""

    def hold(self) -> None:
        self.looked, self.go = threading.Event(), threading.Event()

    def read(self, after: int, limit: int) -> list[Letter]:
        found = super().read(after, limit)
        self.looked.set()
        self.go.wait(60)
        return found


async def test_sender_is_not_idle_when_a_letter_came_while_it_looked(
    tmp_path, broker, in_background, wait_until
):
    with SlowDisk.open(tmp_path / "o.db", 2**24) as outbox:
        outbox.hold()
        sender = Sender(outbox, "thing", Broker(broker.host, broker.port))
        running = in_background(sender.run())
        await wait_until(outbox.looked.is_set)
        fill(outbox, 0, 1)
        draining = asyncio.create_task(sender.drained())
        await wait_until(lambda: not sender._connection.unsent)  # nor is its status under way any more
        outbox.go.set()
        async with asyncio.timeout(60):
            await draining
        assert outbox.pending == 0
        running.cancel()
        await asyncio.wait([running])


class FailingDisk(Outbox):
    """An outbox whose disk takes no change; `failed` is set, in the loop, when one was refused."""

    def fail(self) -> None:
        self.loop, self.failed = asyncio.get_running_loop(), asyncio.Event()
        self._db.execute(
            "CREATE TRIGGER full BEFORE DELETE ON letters BEGIN SELECT RAISE(ABORT, 'full'); END"
        )

    def remove(self, ids: Sequence[int]) -> None:
        try:
            super().remove(ids)
        finally:
            self.loop.call_soon_threadsafe(self.failed.set)


@pytest.mark.parametrize("turns", range(8))
async def test_sender_stops_when_it_is_cancelled_as_the_disk_fails(tmp_path, broker, turns):
    with FailingDisk.open(tmp_path / "o.db", 2**24) as outbox:
        outbox.fail()
        fill(outbox, 0, 1)
        running = asyncio.create_task(Sender(outbox, "thing", Broker(broker.host, broker.port)).run())
        async with asyncio.timeout(60):
            await outbox.failed.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        assert await asyncio.wait([running], timeout=60) == ({running}, set())


async def test_sender_sets_aside_what_the_broker_refuses(
    outbox, broker, in_background, tmp_path, wait_until, caplog
):
    broker.kill()
    (tmp_path / "rules").write_text(RULES)
    with (tmp_path / "broker" / "mosquitto.conf").open("a") as file:
        file.write(f"acl_file {tmp_path / 'rules'}\n")
    broker.start()
    outbox.append("forbidden/topic", b"x")
    fill(outbox, 0, 20)
    in_background(Sender(outbox, "thing", Broker(broker.host, broker.port), jitter=lambda: 0).run())
    await wait_until(lambda: outbox.pending == 1)
    assert outbox.read(0, 2)[0].topic == "forbidden/topic"
    assert "publishing: the broker" in caplog.text

"""The link, over a real Mosquitto, against a small hub that speaks the protocol."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.conversation import WINDOW_RECORDS
from edge.link import Broker, Link
from edge.spool import FORGOTTEN_REASON, QUOTA_REASON, Spool
from hub.wire.protocol import Ack, AgentModel

DEVICE = "cam-1"
MODEL = AgentModel(name="thumbs-up", version="1", width=192, height=192)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool.db") as opened:
        yield opened


@pytest.fixture
def make_link(broker: Any) -> Callable[[Spool], Link]:
    return lambda spool: Link(spool, DEVICE, Broker(broker.host, broker.port), models=[MODEL])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the link ask again soon, and call a connection steady soon, where a test waits for that."""
    monkeypatch.setattr("edge.conversation.STALL_S", 0.3)
    monkeypatch.setattr("edge.link.STEADY_S", 0.3)


def fill(spool: Spool, count: int) -> str:
    return spool.append_many((json.dumps({"n": n}).encode(), None) for n in range(count)).epoch


def numbers_of(hub: Any, epoch: str) -> list[int]:
    return [seq for name, seq in hub.numbers if name == epoch]


async def test_link_sends_everything_in_order_when_the_spool_was_filled_before(
    spool, small_hub, make_link, in_background
):
    epoch = fill(spool, 2500)
    link = make_link(spool)
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()
    assert small_hub.numbers == [(epoch, seq) for seq in range(1, 2501)]


async def test_link_sends_line_and_picture_when_a_record_is_appended_later(
    spool, small_hub, make_link, in_background, wait_until
):
    link = make_link(spool)
    in_background(link.run())
    await wait_until(lambda: small_hub.hellos)
    place = spool.append(b'{"a":1}', b"\xff\xd8\n\n")
    await wait_until(lambda: small_hub.records)
    assert small_hub.records == [(place.epoch, 1, b'{"a":1}', b"\xff\xd8\n\n")]


async def test_link_says_who_it_is_when_it_connects(spool, small_hub, make_link, in_background, wait_until):
    epoch = fill(spool, 3)
    in_background(make_link(spool).run())
    await wait_until(lambda: small_hub.hellos and small_hub.statuses)
    hello = small_hub.hellos[0]
    assert (hello.epoch, hello.first, hello.next, hello.models) == (epoch, 1, 4, (MODEL,))
    assert small_hub.statuses[0]["state"] == "online"


async def test_link_sends_leftovers_first_when_the_spool_was_opened_again(
    tmp_path, small_hub, make_link, in_background
):
    with Spool.open(tmp_path / "old.db") as first:
        old = fill(first, 10)
    with Spool.open(tmp_path / "old.db") as spool:
        new = fill(spool, 5)
        link = make_link(spool)
        in_background(link.run())
        async with asyncio.timeout(60):
            await link.drained()
        assert small_hub.numbers == [(old, n) for n in range(1, 11)] + [(new, n) for n in range(1, 6)]
        assert spool.sending().name == new


async def test_link_resumes_where_the_hub_stands_when_some_was_committed_before(
    spool, small_hub, make_link, in_background
):
    epoch = fill(spool, 100)
    small_hub.stands[epoch] = 60
    link = make_link(spool)
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()
    assert numbers_of(small_hub, epoch) == list(range(61, 101))


async def test_link_announces_a_gap_first_when_the_hub_lost_its_database(
    spool, small_hub, make_link, in_background
):
    epoch = fill(spool, 100)
    spool.acknowledge(epoch, 70)
    link = make_link(spool)
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()
    assert [(gap.first, gap.last, gap.reason) for gap in small_hub.gaps] == [(1, 70, FORGOTTEN_REASON)]
    assert numbers_of(small_hub, epoch) == list(range(71, 101))


async def test_link_announces_a_gap_when_the_quota_cost_records(
    tmp_path, small_hub, make_link, in_background
):
    with Spool.open(tmp_path / "small.db", quota_bytes=10_000) as spool:
        epoch = fill(spool, 1000)
        first = spool.sending().first
        link = make_link(spool)
        in_background(link.run())
        async with asyncio.timeout(60):
            await link.drained()
    assert [(gap.first, gap.last, gap.reason) for gap in small_hub.gaps] == [(1, first - 1, QUOTA_REASON)]
    assert numbers_of(small_hub, epoch) == list(range(first, 1001))


async def test_link_begins_a_new_epoch_when_the_hub_is_ahead_of_the_spool(
    spool, small_hub, make_link, in_background
):
    epoch = fill(spool, 5)
    small_hub.stands[epoch] = 500
    link = make_link(spool)
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()
        place = await asyncio.to_thread(spool.append, b"{}")
        await link.drained()
    assert place.epoch != epoch
    assert small_hub.numbers == [(place.epoch, 1)]


@pytest.mark.usefixtures("impatient")
async def test_link_sends_nothing_when_the_answer_belongs_to_another_question(
    spool, small_hub, make_link, in_background, wait_until
):
    epoch = fill(spool, 10)
    small_hub.answers = False
    in_background(make_link(spool).run())
    await wait_until(lambda: small_hub.hellos)
    small_hub.say(DEVICE, Ack(epoch=epoch, seq=0, hello="another"))
    small_hub.say(DEVICE, Ack(epoch="0" * 16, seq=0, hello=small_hub.hellos[0].nonce))
    await wait_until(lambda: len(small_hub.hellos) > 1)
    assert (small_hub.records, spool.pending) == ([], 10)


async def test_link_only_deletes_when_an_ack_answers_no_question(
    spool, small_hub, make_link, in_background, wait_until
):
    epoch = fill(spool, 10)
    small_hub.answers = False
    in_background(make_link(spool).run())
    await wait_until(lambda: small_hub.hellos)
    small_hub.say(DEVICE, Ack(epoch=epoch, seq=4))
    await wait_until(lambda: spool.pending == 6)
    assert small_hub.records == []


async def test_link_goes_on_when_an_ack_cannot_be_read(spool, small_hub, make_link, in_background):
    small_hub._connection.publish_soon(f"lenshub/v1/{DEVICE}/ack", b"\xff{", retain=True)
    fill(spool, 10)
    link = make_link(spool)
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()
    assert len(small_hub.records) == 10


@pytest.mark.usefixtures("impatient")
async def test_link_sends_again_when_what_it_sent_did_not_arrive(
    spool, small_hub, make_link, in_background, wait_until
):
    epoch = fill(spool, 50)
    small_hub.admits = False
    link = make_link(spool)
    in_background(link.run())
    await wait_until(lambda: small_hub.stale >= 50)  # the first are perhaps sent again by then
    small_hub.admits = True
    async with asyncio.timeout(60):
        await link.drained()
    assert numbers_of(small_hub, epoch) == list(range(1, 51))


async def test_link_keeps_within_its_window_when_the_hub_does_not_acknowledge(
    spool, small_hub, make_link, in_background, wait_until, monkeypatch
):
    monkeypatch.setattr("edge.conversation.STALL_S", 60.0)
    epoch = fill(spool, WINDOW_RECORDS * 2)
    small_hub.acknowledges = False
    in_background(make_link(spool).run())
    await wait_until(lambda: len(small_hub.records) >= WINDOW_RECORDS)
    small_hub.say(DEVICE, Ack(epoch=epoch, seq=1))
    await wait_until(lambda: len(small_hub.records) > WINDOW_RECORDS)
    assert len(small_hub.records) == WINDOW_RECORDS + 1


async def test_link_loses_and_repeats_nothing_when_the_broker_is_killed(
    spool, broker, make_hub, make_link, in_background, wait_until
):
    epoch = fill(spool, 3000)
    link = make_link(spool)
    in_background(link.run())
    async with make_hub() as first:
        await wait_until(lambda: len(first.records) > 500)
        broker.kill()
    broker.start()
    async with make_hub() as second:
        second.stands = first.stands
        async with asyncio.timeout(60):
            await link.drained()
    assert numbers_of(first, epoch) + numbers_of(second, epoch) == list(range(1, 3001))


@pytest.mark.usefixtures("impatient")
async def test_link_logs_an_outage_once_when_the_broker_is_away(
    spool, broker, small_hub, make_link, in_background, wait_until, caplog
):
    caplog.set_level(logging.INFO, "edge.link")
    broker.stop()
    in_background(make_link(spool).run())
    await wait_until(lambda: caplog.records)
    tries = asyncio.get_running_loop().time() + 1
    await wait_until(lambda: asyncio.get_running_loop().time() > tries)
    broker.start()
    await wait_until(lambda: "well again" in caplog.text)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_link_says_offline_when_it_is_stopped(spool, small_hub, make_link, in_background, wait_until):
    task = in_background(make_link(spool).run())
    await wait_until(lambda: small_hub.hellos)
    task.cancel()
    await wait_until(lambda: [status["state"] for status in small_hub.statuses] == ["online", "offline"])


async def test_link_reports_an_error_when_told(spool, small_hub, make_link, in_background, wait_until):
    link = make_link(spool)
    in_background(link.run())
    await wait_until(lambda: small_hub.hellos)
    link.report("error", "camera /dev/video0: unplugged")
    await wait_until(lambda: len(small_hub.statuses) == 2)
    assert small_hub.statuses[1]["text"] == "camera /dev/video0: unplugged"


async def test_link_carries_three_thousand_records_a_second_when_they_are_small(
    spool, small_hub, make_link, in_background
):
    fill(spool, 12_000)
    link = make_link(spool)
    began = time.process_time()  # what others do on this machine meanwhile is not the link's cost
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()
    assert len(small_hub.records) / (time.process_time() - began) >= 3000

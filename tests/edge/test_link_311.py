"""The link in MQTT 3.1.1, where no broker says that it refuses a message: the hub's answers must do."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.conversation import PATIENCE
from edge.link import Broker, Link
from edge.packet_limit import DOUBTS, SMALLEST_GUESS, PacketLimit
from edge.spool import Record, Spool
from hub.devices import DeviceRegistry
from hub.draw.picture import encode_jpeg
from hub.embedded_broker import EmbeddedBroker

LINE = b'{"device":"cam-1","frame":{"digest":"x"}}'
RULES = "topic readwrite #\nuser cam-1\ntopic write lenshub/v1/cam-1/hello\ntopic read #\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.conversation.STALL_S", 0.3)


@pytest.fixture
def picture() -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    return encode_jpeg(noise, 95)


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    with Spool.open(tmp_path / "spool.db") as opened:
        yield opened


@pytest.fixture
def make_link(broker: Any, spool: Spool) -> Any:
    return lambda: Link(spool, "cam-1", Broker(broker.host, broker.port, "cam-1", "x", protocol="3.1.1"))


@pytest.fixture
def restart(broker: Any, tmp_path: Path) -> Any:
    """A function that starts the broker anew with further lines of configuration."""

    def start(lines: str) -> None:
        broker.stop()
        config = tmp_path / "broker" / "mosquitto.conf"
        config.write_text(config.read_text().replace("max_queued_messages 0\n", "") + lines)
        broker.start()

    return start


async def drain(link: Link) -> None:
    async with asyncio.timeout(60):
        await link.drained()


async def test_link_in_311_sends_everything_in_order(spool, small_hub, make_link, in_background):
    place = spool.append_many((json.dumps({"n": n}).encode(), None) for n in range(2500))
    link = make_link()
    in_background(link.run())
    await drain(link)

    assert small_hub.numbers == [(place.epoch, seq) for seq in range(1, 2501)]


async def test_link_in_311_sends_again_what_the_hub_says_it_has_not(
    spool, small_hub, make_link, in_background, wait_until
):
    place = spool.append_many([(LINE, None)] * 50)
    small_hub.admits = False
    link = make_link()
    in_background(link.run())
    await wait_until(lambda: small_hub.stale >= 50)
    small_hub.admits = True
    await drain(link)

    assert small_hub.numbers == [(place.epoch, seq) for seq in range(1, 51)]


async def test_link_in_311_loses_and_repeats_nothing_when_the_broker_is_killed(
    spool, broker, make_hub, make_link, in_background, wait_until
):
    place = spool.append_many([(LINE, None)] * 3000)
    link = make_link()
    in_background(link.run())
    async with make_hub() as first:
        await wait_until(lambda: len(first.records) > 500)
        broker.kill()
    broker.start()
    async with make_hub() as second:
        second.stands = first.stands
        await drain(link)

    assert first.numbers + second.numbers == [(place.epoch, seq) for seq in range(1, 3001)]


async def test_link_in_311_says_so_once_when_nothing_reaches_the_hub_and_keeps_it_all(
    spool, restart, make_hub, make_link, tmp_path, in_background, wait_until, caplog
):
    caplog.set_level(logging.INFO, "edge.link")
    (tmp_path / "broker" / "rules").write_text(RULES)
    restart(f"acl_file {tmp_path / 'broker' / 'rules'}\n")
    spool.append_many([(LINE, None)] * 5)
    async with make_hub() as hub:
        in_background(make_link().run())
        await wait_until(lambda: "nothing that is sent reaches it" in caplog.text)
        asked = len(hub.hellos)
        await wait_until(lambda: len(hub.hellos) > asked + PATIENCE)

    assert caplog.text.count("nothing that is sent reaches it") == 1
    assert "lenshub/v1/cam-1/events/#" in caplog.text
    assert spool.pending == 5


@pytest.mark.parametrize("setting", ["max_packet_size", "message_size_limit"])
async def test_link_in_311_makes_pictures_smaller_when_they_never_arrive(
    spool, restart, make_hub, make_link, in_background, picture, setting
):
    restart(f"{setting} 40000\n")
    spool.append_many([(LINE, None), (LINE, picture), (LINE, picture), (LINE, None)])
    async with make_hub() as hub:
        link = make_link()
        in_background(link.run())
        await drain(link)

    assert [seq for _, seq in hub.numbers] == [1, 2, 3, 4]
    assert [0 < len(sent or b"") < 40_000 for _, _, _, sent in hub.records] == [False, True, True, False]


async def test_link_speaks_311_when_the_broker_says_that_it_does_not_speak_5(
    spool, tmp_path, free_port, in_background, wait_until, caplog
):
    caplog.set_level(logging.INFO, "edge.link")
    async with EmbeddedBroker(tmp_path / "embedded", free_port, 10**6):
        password = DeviceRegistry(tmp_path / "embedded").add("cam-1")
        link = Link(spool, "cam-1", Broker("127.0.0.1", free_port, "cam-1", password))
        task = in_background(link.run())
        await wait_until(lambda: link._connection is not None)
        task.cancel()
        await wait_until(task.done)

    said = f"broker 127.0.0.1:{free_port}: speaks MQTT 3.1.1, and so do we"
    assert [record.getMessage() for record in caplog.records if record.name == "edge.link"] == [said]


async def test_link_does_not_speak_311_when_told_to_speak_5(
    spool, tmp_path, free_port, in_background, wait_until, caplog
):
    async with EmbeddedBroker(tmp_path / "embedded", free_port, 10**6):
        password = DeviceRegistry(tmp_path / "embedded").add("cam-1")
        link = Link(spool, "cam-1", Broker("127.0.0.1", free_port, "cam-1", password, protocol="5"))
        in_background(link.run())
        await wait_until(lambda: "Unsupported protocol version" in caplog.text)


async def test_packet_limit_without_reasons_blames_the_size_after_some_failures_and_acquits_it(picture):
    limit, record = PacketLimit(), Record(1, LINE, picture)
    limit.connected(None, tells_reasons=False)
    whole = await limit.fit(record)
    for _ in range(DOUBTS - 1):
        limit.doubt(len(whole))
    assert await limit.fit(record) == whole

    sizes = []
    while not sizes or sizes[-1] > SMALLEST_GUESS:
        limit.doubt(sizes[-1] if sizes else len(whole))
        sizes.append(len(await limit.fit(record)))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] <= len(whole) * 3 // 4

    limit.doubt(sizes[-1])
    assert await limit.fit(record) == whole


async def test_packet_limit_never_blames_the_size_where_the_broker_gives_reasons(picture):
    limit, record = PacketLimit(), Record(1, LINE, picture)
    limit.connected(None, tells_reasons=True)
    for _ in range(2 * DOUBTS):
        limit.doubt(len(picture))

    assert await limit.fit(record) == LINE + b"\n" + picture

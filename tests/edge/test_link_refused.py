"""The link against brokers that refuse: too large, not allowed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.fit import TOO_LARGE_REASON
from edge.link import Broker, Link
from edge.spool import Spool
from hub.draw.picture import encode_jpeg

LINE = b'{"device":"cam-1","frame":{"digest":"x"}}'
RULES = "user hub\ntopic readwrite #\nuser cam-1\ntopic write lenshub/v1/cam-1/hello\ntopic read #\n"


@pytest.fixture
def picture() -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    return encode_jpeg(noise, 95)


@pytest.fixture
async def restart(broker: Any, tmp_path: Path) -> AsyncIterator[Any]:
    """A function that starts the broker anew with further lines of configuration."""

    def start(lines: str) -> None:
        broker.stop()
        config = tmp_path / "broker" / "mosquitto.conf"
        # with max_queued_messages 0, Mosquitto 2.0.11 drops the connection instead of refusing a message
        config.write_text(config.read_text().replace("max_queued_messages 0\n", "") + lines)
        broker.start()

    return start


async def drain(link: Link, in_background: Any) -> None:
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()


@pytest.mark.parametrize("setting", ["max_packet_size", "message_size_limit"])
async def test_link_makes_pictures_smaller_when_the_broker_takes_no_large_ones(
    broker, restart, make_hub, tmp_path, in_background, picture, setting, caplog
):
    restart(f"{setting} 40000\n")
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append_many([(LINE, None), (LINE, picture), (LINE, picture), (LINE, None)])
        async with make_hub() as hub:
            await drain(Link(spool, "cam-1", Broker(broker.host, broker.port)), in_background)
    assert [seq for _, seq in hub.numbers] == [1, 2, 3, 4]
    assert [0 < len(sent or b"") < 40_000 for _, _, _, sent in hub.records] == [False, True, True, False]
    assert caplog.text.count("larger pictures are made smaller") == 1


async def test_link_never_sends_more_than_a_broker_is_known_to_take(
    broker, restart, make_hub, tmp_path, in_background, picture, caplog
):
    caplog.set_level(logging.INFO, "edge.link")
    restart("message_size_limit 40000\n")  # a limit that Mosquitto does not announce
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append_many([(LINE, picture)] * 3)
        async with make_hub() as hub:
            known = Broker(broker.host, broker.port, max_payload_bytes=40_000)
            await drain(Link(spool, "cam-1", known), in_background)
    assert [seq for _, seq in hub.numbers] == [1, 2, 3]
    assert "connection lost" not in caplog.text


@pytest.mark.parametrize(
    ("host", "limit"),
    [
        ("a1b2-ats.iot.eu-west-1.amazonaws.com", 128 * 1024),
        ("a1b2.ats.iot.cn-north-1.amazonaws.com.cn", None),
        ("a1b2.iot.cn-north-1.amazonaws.com.cn", 128 * 1024),
        ("hub.local", None),
    ],
)
def test_broker_is_known_to_take_no_more_than_aws_iot_does_by_its_name(host, limit):
    assert Broker(host).payload_limit == limit


async def test_link_announces_a_gap_when_an_event_alone_is_too_large(
    broker, restart, make_hub, tmp_path, in_background
):
    restart("max_packet_size 4000\n")
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append_many([(LINE, None), (json.dumps({"x": "y" * 5000}).encode(), None), (LINE, None)])
        async with make_hub() as hub:
            await drain(Link(spool, "cam-1", Broker(broker.host, broker.port)), in_background)
    assert [seq for _, seq in hub.numbers] == [1, 3]
    assert [(gap.first, gap.last, gap.reason) for gap in hub.gaps] == [(2, 2, TOO_LARGE_REASON)]


async def test_link_logs_a_refusal_once_when_the_broker_forbids_publishing(
    broker, restart, make_hub, tmp_path, in_background, wait_until, caplog
):
    caplog.set_level(logging.INFO, "edge.link")
    (tmp_path / "broker" / "rules").write_text(RULES)
    restart(f"acl_file {tmp_path / 'broker' / 'rules'}\n")
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append_many([(LINE, None)] * 5)
        link = Link(spool, "cam-1", Broker(broker.host, broker.port, "cam-1", "x"))
        in_background(link.run())
        await wait_until(lambda: "Not authorized" in caplog.text)
        await wait_until(lambda: "refuses" in caplog.text)
        assert spool.pending == 5
    assert caplog.text.count("refuses") == 1


async def test_link_logs_once_when_the_hub_is_silent(
    broker, make_hub, tmp_path, in_background, wait_until, caplog, monkeypatch
):
    monkeypatch.setattr("edge.conversation.PATIENCE_S", 1)
    caplog.set_level(logging.INFO, "edge.link")
    with Spool.open(tmp_path / "spool.db") as spool:
        in_background(Link(spool, "cam-1", Broker(broker.host, broker.port)).run())
        await wait_until(lambda: "is the hub running?" in caplog.text)
        async with make_hub():
            await wait_until(lambda: "hub: well again" in caplog.text)
    assert caplog.text.count("is the hub running?") == 1

"""What a check says of brokers that refuse, and of hubs that are silent, against real Mosquittos."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import UTC, datetime, timedelta

import pytest

from edge.check import login
from edge.check.login import Login
from edge.link import Broker
from hub.devices import DeviceRegistry
from hub.embedded_broker import EmbeddedBroker
from hub.wire.connection import Connection
from hub.wire.protocol import UPWARD_FILTERS, Ack, Hello, ack_topic

LINE = b'{"captured_at":"2026-11-21T12:00:00Z"}'
RULES = "user hub\ntopic readwrite #\nuser cam-1\ntopic write lenshub/v1/cam-1/status\ntopic read lenshub/#\n"


def wrong(found):
    return [finding.text for finding in found if finding.state == "wrong"]


@pytest.fixture
def check():
    async def check(broker, picture=None, **more):
        return await Login(Broker(broker.host, broker.port, **more), "cam-1", (), (LINE, picture)).check()

    return check


@pytest.fixture
def big_picture(picture_folder):
    import cv2

    pixels = cv2.imread(str(picture_folder / "one.png"))
    return bytes(cv2.imencode(".jpg", pixels)[1])


async def test_login_names_each_topic_that_the_rules_forbid(
    check, start_broker, tmp_path, impatient, monkeypatch
):
    monkeypatch.setattr("edge.check.login.RECONNECT_S", 0.01)
    (tmp_path / "rules").write_text(RULES)
    broker = start_broker(f"acl_file {tmp_path / 'rules'}\n")
    found = await check(broker, username="cam-1", password="x")

    forbidden = [text for text in wrong(found) if "lenshub/v1/cam-1/" in text]
    kinds = [
        text.partition("lenshub/v1/cam-1/")[2].split("/")[0].split(" ")[0].strip(":") for text in forbidden
    ]
    assert kinds == ["gap", "events", "hello"]
    assert all("access rules" in text for text in forbidden)


async def test_login_says_that_the_password_is_wrong(check, start_broker, tmp_path):
    (tmp_path / "passwords").write_text("")
    broker = start_broker(f"password_file {tmp_path / 'passwords'}\n")
    found = await check(broker, username="cam-1", password="secret-word")

    assert "refuses the user 'cam-1'" in wrong(found)[0]
    assert "secret-word" not in str(found)


async def test_login_says_that_the_hub_is_silent(check, broker, impatient):
    found = await check(broker)

    assert "does not answer within 1 s (is it running, at this broker?" in wrong(found)[0]


@pytest.mark.parametrize(
    ("limit", "state", "words"),
    [(120_000, "note", "pictures are made smaller, to "), (2_000, "wrong", "pictures would be left out")],
)
async def test_login_compares_a_frame_with_the_announced_limit(
    check, start_broker, big_picture, impatient, limit, state, words
):
    broker = start_broker(f"max_packet_size {limit}\n")
    found = await check(broker, big_picture)

    told = [finding for finding in found if "takes records of" in finding.text]
    assert [finding.state for finding in told] == [state]
    assert words in told[0].text


async def test_login_finds_a_limit_that_is_not_announced(
    check, start_broker, big_picture, impatient, monkeypatch
):
    monkeypatch.setattr("edge.check.login.RECONNECT_S", 0.01)
    broker = start_broker("message_size_limit 40000\n")
    found = await check(broker, big_picture)

    assert any(
        "bytes to lenshub/v1/cam-1/events/" in text and "packet limit" in text for text in wrong(found)
    )


@pytest.fixture
def clock_of(check, broker, in_background):
    """A function that returns what is told of the clock, if the hub's is ahead or it answers slowly."""

    async def tell(*, ahead_s=0.0, after_s=0.0):
        async def answer(hub):
            with contextlib.suppress(ValueError):
                while True:
                    for message in await hub.receive():
                        if message.topic.endswith("/hello"):
                            await asyncio.sleep(after_s)
                            hello = Hello.model_validate_json(message.payload)
                            now = datetime.now(UTC) + timedelta(seconds=ahead_s)
                            ack = Ack(epoch=hello.epoch, seq=0, hello=hello.nonce, now=now)
                            hub.publish_soon(ack_topic("cam-1"), ack.model_dump_json().encode(), 0)

        async with Connection(broker.host, broker.port, client_id="hub") as hub:
            await hub.subscribe(UPWARD_FILTERS)
            task = in_background(answer(hub))
            found = await check(broker)
            task.cancel()
        (clock,) = [finding.text for finding in found if finding.part == "clock"]
        return clock

    return tell


async def test_login_tells_how_far_the_clock_is_off(clock_of):
    told = re.match(r"is (\d+) s behind the hub's", await clock_of(ahead_s=3600))
    assert told is not None
    assert abs(int(told[1]) - 3600) <= login.ANSWER_S / 2  # by half the time it took at most


async def test_login_does_not_blame_the_clock_for_a_slow_answer(clock_of, monkeypatch):
    monkeypatch.setattr(login, "SKEW_S", 0.0)
    assert await clock_of(after_s=0.2) == "agrees with the hub's"


@pytest.mark.parametrize(("protocol", "state"), [("5", "wrong"), ("3.1.1", "ok")])
async def test_login_speaks_the_version_that_is_asked_for(tmp_path, free_port, impatient, protocol, state):
    async with EmbeddedBroker(tmp_path / "embedded", free_port, 10**6):
        password = DeviceRegistry(tmp_path / "embedded").add("cam-1")
        broker = Broker("127.0.0.1", free_port, "cam-1", password, protocol=protocol)
        found = await Login(broker, "cam-1", (), (LINE, None)).check()

    assert (found[0].part, found[0].state) == ("broker", state)

"""The embedded broker: nobody comes in unasked, a device speaks only for itself, whatever amqtt allows."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import aiomqtt
import pytest

from hub.devices import DeviceRegistry
from hub.embedded_broker import EmbeddedBroker
from hub.errors import ConfigError
from hub.wire.connection import Connection


@pytest.fixture
async def embedded(tmp_path, free_port):
    async with EmbeddedBroker(tmp_path / "broker", free_port, 100_000) as running:
        yield running


@pytest.fixture
def registry(tmp_path):
    return DeviceRegistry(tmp_path / "broker")


@pytest.fixture
def connect(embedded):
    def make(username=None, password=None, client_id="someone", **options):
        return Connection(
            "127.0.0.1",
            embedded.port,
            client_id=client_id,
            username=username,
            password=password,
            timeout_s=60,
            **options,
        )

    return make


@pytest.mark.parametrize(
    ("username", "password"),
    [(None, None), ("porch", None), ("porch", "wrong"), ("lenshub", ""), ("nobody", "x"), ("", "")],
)
async def test_embedded_broker_refuses_who_has_no_right_password(connect, registry, username, password):
    registry.add("porch")

    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori[sz]ed"):
        async with connect(username, password):
            pass


async def test_embedded_broker_lets_a_device_in_that_was_just_added_and_not_once_removed(connect, registry):
    password = registry.add("porch")
    async with connect("porch", password) as porch:
        assert porch.connected
    registry.remove("porch")

    with pytest.raises(aiomqtt.MqttError):
        async with connect("porch", password):
            pass


async def test_embedded_broker_lets_a_device_publish_only_its_own_topics(
    embedded, connect, registry, wait_until
):
    own = [f"lenshub/v1/porch/{kind}" for kind in ("hello", "events/0123456789abcdef/1", "gap", "status")]
    foreign = [topic.replace("porch", "attic") for topic in own]
    foreign += ["lenshub/v1/porch/ack", "lenshub/v1/attic/ack", "anything"]
    async with (
        connect("lenshub", embedded.password, "hub") as hub,
        connect("porch", registry.add("porch")) as porch,
    ):
        await hub.subscribe(["#", "$aws/things/+/infer"])
        for topic in foreign + own:
            await porch.publish(topic, b"{}")
        await wait_until(lambda: len(hub._client.inbox) >= len(own))

        assert [message.topic for message in await hub.receive()] == own


async def test_embedded_broker_ends_the_connection_of_who_publishes_an_aws_topic(
    connect, registry, wait_until
):
    async with connect("porch", registry.add("porch")) as porch:
        porch.publish_soon("$aws/things/porch/infer", b"{}")
        await wait_until(lambda: not porch.connected)


async def test_embedded_broker_lets_a_device_read_only_its_own_ack(embedded, connect, registry, wait_until):
    async with (
        connect("porch", registry.add("porch")) as porch,
        connect("lenshub", embedded.password, "hub") as hub,
    ):
        for topic in ("#", "lenshub/v1/+/ack", "lenshub/v1/attic/ack", "lenshub/v1/attic/status"):
            with pytest.raises(aiomqtt.MqttError, match="refused the subscription"):
                await porch.subscribe([topic])
        await porch.subscribe(["lenshub/v1/porch/ack"])
        for topic in ("lenshub/v1/attic/ack", "lenshub/v1/porch/ack"):
            await hub.publish(topic, b"{}")
        await wait_until(lambda: porch._client.inbox)

        assert {message.topic for message in await porch.receive()} == {"lenshub/v1/porch/ack"}


async def test_embedded_broker_ties_the_client_id_to_the_user_name(embedded, connect, registry):
    async with connect("lenshub", embedded.password, "lenshub") as hub:
        async with connect("porch", registry.add("porch"), client_id="lenshub"):
            await hub.publish("lenshub/v1/porch/ack", b"{}")

        assert hub.connected


async def test_embedded_broker_keeps_a_device_on_when_somebody_uses_its_name_without_its_password(
    embedded, connect, registry, wait_until
):
    async with (
        connect("lenshub", embedded.password, "hub") as hub,
        connect("porch", registry.add("porch"), client_id="porch") as porch,
    ):
        await hub.subscribe(["#"])
        for clean in (True, False):
            with pytest.raises(aiomqtt.MqttError):
                async with connect("porch", "wrong", client_id="porch", clean=clean):
                    pass
        await porch.publish("lenshub/v1/porch/hello", b"{}")
        await wait_until(lambda: hub._client.inbox)

        assert porch.connected


async def test_embedded_broker_refuses_a_last_will_on_another_devices_topic(connect, registry):
    will = aiomqtt.Will("lenshub/v1/attic/status", b"{}", qos=1)

    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori[sz]ed"):
        async with connect("porch", registry.add("porch"), will=will):
            pass


async def test_embedded_broker_says_a_devices_last_will(embedded, connect, registry, wait_until):
    will = aiomqtt.Will("lenshub/v1/porch/status", b"gone", qos=1, retain=True)
    async with connect("lenshub", embedded.password, "hub") as hub:
        await hub.subscribe(["#"])
        dying = connect("porch", registry.add("porch"), will=will)
        await dying.__aenter__()
        dying._paho.socket().shutdown(socket.SHUT_RDWR)
        await wait_until(lambda: not dying.connected)
        await dying.__aexit__(None, None, None)
        await wait_until(lambda: hub._client.inbox)

        assert (await hub.receive())[0].payload == b"gone"


async def test_embedded_broker_shows_no_device_what_another_one_retained(embedded, connect, registry):
    async with connect("lenshub", embedded.password, "hub") as hub:
        await hub.subscribe(["lenshub/v1/+/status"])
        async with connect("attic", registry.add("attic")) as attic:
            await attic.publish("lenshub/v1/attic/status", b"private", retain=True)
        async with connect("porch", registry.add("porch")) as porch:
            await porch.publish("lenshub/v1/porch/hello", b"{}")  # a round trip after which all has arrived

            assert porch._client.inbox == []


async def test_embedded_broker_says_which_protocol_it_does_not_speak(connect, registry):
    with pytest.raises(aiomqtt.MqttError, match="Unsupported protocol version"):
        async with connect("porch", registry.add("porch"), version5=True):
            pass


@pytest.mark.parametrize(
    "sent", [b"\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x10\x05abcde", b"\x10\xff\xff\xff\x7f"]
)
async def test_embedded_broker_hangs_up_on_who_speaks_no_mqtt(embedded, sent):
    reader, writer = await asyncio.open_connection("127.0.0.1", embedded.port)
    writer.write(sent)
    async with asyncio.timeout(30):
        await reader.read()
    writer.close()


async def test_embedded_broker_hangs_up_on_who_says_nothing(embedded, monkeypatch):
    monkeypatch.setattr("hub.embedded_broker.CONNECT_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", embedded.port)
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()


async def test_embedded_broker_ends_the_connection_of_who_sends_too_much(connect, registry, wait_until):
    async with connect("porch", registry.add("porch")) as porch:
        porch.publish_soon("lenshub/v1/porch/hello", bytes(200_000))
        await wait_until(lambda: not porch.connected)


async def test_embedded_broker_carries_a_burst_in_order(embedded, connect, registry):
    payloads = [b"%d" % number for number in range(1000)]
    async with (
        connect("lenshub", embedded.password, "hub") as hub,
        connect("porch", registry.add("porch")) as porch,
    ):
        await hub.subscribe(["#"])
        for payload in payloads:
            porch.publish_soon("lenshub/v1/porch/hello", payload)
        received = []
        async with asyncio.timeout(60):
            while len(received) < len(payloads):
                burst = await hub.receive()
                hub.acknowledge(burst)
                received += burst

    assert [message.payload for message in received] == payloads


async def test_embedded_broker_listens_on_the_loopback_only(embedded):
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    listening = table.splitlines()[1:]
    ports = [line.split()[1] for line in listening if line.split()[3] == "0A"]
    own = [address for address in ports if int(address.split(":")[1], 16) == embedded.port]

    assert own == [f"0100007F:{embedded.port:04X}"]


async def test_embedded_broker_says_so_when_its_port_is_in_use(tmp_path, embedded):
    with pytest.raises(ConfigError, match=rf"mqtt\.port: port {embedded.port} on 127\.0\.0\.1 is in use"):
        async with EmbeddedBroker(tmp_path / "other", embedded.port, 1_000_000):
            pass


async def test_embedded_broker_says_what_is_weaker_and_never_its_password(tmp_path, free_port, caplog):
    caplog.set_level(logging.DEBUG)
    broker = EmbeddedBroker(tmp_path / "broker", free_port, 100_000)
    own = {"username": "lenshub", "password": broker.password}
    async with broker, Connection("127.0.0.1", free_port, client_id="x", **own):
        pass

    assert caplog.text.count("broker.embedded") == 1
    assert broker.password not in caplog.text
    assert broker.password not in repr(broker)

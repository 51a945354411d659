"""What hub.wire.connection relies on in aiomqtt and paho; a release that breaks it fails here."""

from __future__ import annotations

import asyncio
import gc
import os
import signal

import aiomqtt
import pytest

from hub.broker import PrivateBroker
from hub.devices import DeviceRegistry
from hub.wire import connection as module
from hub.wire.connection import Connection


@pytest.fixture
def connect(broker):
    def make(client_id="hub", **options):
        return Connection(broker.host, broker.port, client_id=client_id, **options)

    return make


@pytest.fixture
def publish(broker):
    async def publish_all(payloads, topic="t"):
        async with aiomqtt.Client(broker.host, broker.port) as client:
            for payload in payloads:
                await client.publish(topic, payload, qos=1)

    return publish_all


async def collect(connection, count):
    found = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += await connection.receive()
    return found


@pytest.mark.parametrize("version5", [False, True])
async def test_connection_gets_unacknowledged_messages_again_and_only_those(connect, publish, version5):
    async with connect(clean=False, version5=version5) as first:
        await first.subscribe(["t"])
        await publish([b"1", b"2", b"3", b"4"])
        received = await collect(first, 4)
        first.acknowledge(received[:2])
        await first.subscribe(["other"])  # answered after these, which the next would overtake

    async with connect(clean=False, version5=version5) as second:
        again = await collect(second, 2)

    assert (first.session_present, second.session_present) == (False, True)
    assert [(m.payload, m.duplicate) for m in again] == [(b"3", True), (b"4", True)]
    assert not any(message.duplicate for message in received)


async def test_connection_acknowledges_many_in_one_write(connect, publish):
    async with connect(clean=False) as first:
        await first.subscribe(["t"])
        await publish([b"%d" % number for number in range(15)])
        first.acknowledge(await collect(first, 15))
        await first.subscribe(["other"])

    async with connect(clean=False) as second:
        await publish([b"next"])
        received = await collect(second, 1)

    assert [message.payload for message in received] == [b"next"]


async def test_connection_does_not_acknowledge_qos_0(connect, broker):
    async with connect() as connection, aiomqtt.Client(broker.host, broker.port) as client:
        await connection.subscribe(["t"])
        await client.publish("t", b"plain", qos=0)
        received = await collect(connection, 1)
        connection.acknowledge(received)

        assert (received[0].mid, received[0].qos) == (0, 0)
        assert connection.connected


async def test_connection_keeps_the_order_of_a_burst(connect):
    payloads = [b"%d" % number for number in range(1000)]
    async with connect("receiver") as receiver, connect("sender") as sender:
        await receiver.subscribe(["t"])
        for payload in payloads:
            sender.publish_soon("t", payload)
        received = []
        while len(received) < len(payloads):
            burst = await collect(receiver, 1)
            receiver.acknowledge(burst)
            received += burst

    assert [message.payload for message in received] == payloads


async def test_connection_reads_messages_that_are_split_across_reads(connect, publish, monkeypatch):
    monkeypatch.setattr(module, "READ_BYTES", 7)
    payloads = [bytes([65 + number]) * 40 for number in range(9)]
    async with connect() as connection:
        await connection.subscribe(["t"])
        await publish(payloads)
        received = await collect(connection, 9)

    assert [message.payload for message in received] == payloads


@pytest.mark.parametrize("version5", [False, True])
async def test_connection_leaves_no_garbage_behind_a_message(connect, publish, version5):
    async with connect(version5=version5) as connection:
        await connection.subscribe(["t"])
        await publish([b"1"])
        await collect(connection, 1)
        gc.collect()
        gc.disable()
        try:
            await publish([b"x"] * 15)
            await collect(connection, 15)
            left = [o for o in gc.get_objects(generation=0) if "iter_match" in getattr(o, "__qualname__", "")]
        finally:
            gc.enable()

    assert left == []


async def test_connection_carries_two_megabytes_both_ways(connect):
    payload = bytes(range(256)) * 8192
    async with connect() as connection:
        await connection.subscribe(["t"])
        await connection.publish("t", payload)
        received = await collect(connection, 1)

    assert received[0].payload == payload


async def test_connection_does_not_read_while_paused(connect, publish):
    async with connect("paused") as paused, connect("other") as other:
        await paused.subscribe(["t"])
        await other.subscribe(["t"])
        paused.pause()
        await publish([b"1", b"2"])
        await collect(other, 2)  # the broker has sent them to both

        assert paused._client.inbox == []
        paused.resume()
        assert [message.payload for message in await collect(paused, 2)] == [b"1", b"2"]


async def test_connection_keeps_what_is_buffered_while_paused_and_goes_on_after(
    connect, publish, monkeypatch
):
    monkeypatch.setattr(module, "BURST_MESSAGES", 1)
    payloads = [b"%d" % number for number in range(15)]
    async with connect("paused") as paused, connect("other") as other:
        for connection in (paused, other):
            await connection.subscribe(["t"])
        paused.pause()
        await publish(payloads)
        await collect(other, 15)
        await other.publish("elsewhere", b"")  # now all of it waits in the paused one's socket, for one read
        paused.resume()
        first = await collect(paused, 1)
        paused.pause()
        await other.publish("elsewhere", b"")  # a round trip: the loop has turned
        assert paused._client.inbox == []
        paused.resume()
        rest = await collect(paused, 15 - len(first))

    assert len(first) < 15
    assert [message.payload for message in first + rest] == payloads


async def test_connection_reports_a_refused_publish_with_mqtt_5(tmp_path, free_port, require_program, soon):
    require_program("mosquitto")
    async with PrivateBroker(tmp_path / "broker", free_port, 1_000_000):
        password = DeviceRegistry(tmp_path / "broker").add("porch")
        async with Connection(
            "127.0.0.1", free_port, client_id="porch", username="porch", password=password, version5=True
        ) as connection:
            mid = connection.publish_soon("lenshub/v1/attic/hello", b"{}")
            await soon(connection.receive())
            refused = connection.refused()

    assert [(r.mid, r.topic, r.reason) for r in refused] == [
        (mid, "lenshub/v1/attic/hello", "Not authorized")
    ]


async def test_connection_knows_the_largest_packet_with_mqtt_5(tmp_path, free_port, require_program):
    require_program("mosquitto")
    async with PrivateBroker(tmp_path / "broker", free_port, 1_000_000):
        password = DeviceRegistry(tmp_path / "broker").add("porch")
        async with Connection(
            "127.0.0.1", free_port, client_id="porch", username="porch", password=password, version5=True
        ) as connection:
            assert connection.max_packet_bytes == 1_000_000


async def test_connection_raises_from_receive_when_it_is_lost(connect, broker, soon):
    async with connect() as connection:
        await connection.subscribe(["t"])
        waiting = asyncio.create_task(connection.receive())
        broker.kill()

        with pytest.raises(aiomqtt.MqttError, match="connection lost"):
            await soon(waiting)
        assert not connection.connected


async def test_connection_returns_what_it_received_before_it_was_lost(
    connect, broker, publish, soon, wait_until
):
    async with connect() as connection:
        await connection.subscribe(["t"])
        await publish([b"last"])
        await wait_until(lambda: connection._client.inbox)
        broker.kill()
        await wait_until(lambda: not connection.connected)

        assert [message.payload for message in await soon(connection.receive())] == [b"last"]
        with pytest.raises(aiomqtt.MqttError):
            await soon(connection.receive())


async def test_connection_raises_from_publish_soon_when_it_is_lost(connect, broker, wait_until):
    async with connect() as connection:
        broker.kill()
        await wait_until(lambda: not connection.connected)

        with pytest.raises(aiomqtt.MqttError):
            connection.publish_soon("t", b"x")
        connection.acknowledge([module.Received("t", b"", 1, 1, duplicate=False, retain=False)])


async def test_connection_leaves_its_descriptor_alone_when_it_is_lost_while_publishes_wait_for_room(
    connect, broker, wait_until
):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: failures.append(said))
    async with connect(max_in_flight=10_000) as connection:
        os.kill(broker._process.pid, signal.SIGSTOP)  # it could read as fast as we write, and never be full
        while not connection._paho._registered_write:
            connection.publish_soon("t", b"x" * 100_000)
        descriptor = connection._paho.socket().fileno()
        connection._client.close_socket()  # before the loop comes to wait for room
        await asyncio.sleep(0)

        assert failures == []
        assert not asyncio.get_running_loop().remove_writer(descriptor)
        connection._client._disconnected.set_result(None)


@pytest.mark.parametrize("version5", [False, True])
async def test_connection_says_nothing_but_that_it_is_lost_when_the_broker_dies_under_a_burst(
    connect, broker, soon, version5
):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: failures.append(said))

    async def burst(connection):
        for number in range(100_000):
            connection.publish_soon("t", b"x" * 20_000)
            if number % 50 == 0:
                await asyncio.sleep(0)
            if number == 500:
                broker.kill()

    for _ in range(3):
        with pytest.raises(aiomqtt.MqttError, match="connection lost"):
            async with connect(max_in_flight=10_000, version5=version5) as connection:
                await soon(burst(connection))
        broker.start()

    assert failures == []


async def test_connection_counts_what_has_no_puback_yet(connect, wait_until):
    async with connect(max_in_flight=2) as connection:
        mids = [connection.publish_soon("t", b"x") for _ in range(5)]

        assert connection.unsent == 5
        assert len(set(mids)) == 5
        await wait_until(lambda: connection.unsent == 0)


async def test_connection_raises_when_nobody_listens(free_port):
    with pytest.raises(aiomqtt.MqttError):
        async with Connection("127.0.0.1", free_port, client_id="hub", timeout_s=2):
            pass


async def test_connection_sets_its_will(connect, broker, soon):
    will = aiomqtt.Will("gone", b"porch", qos=1)
    async with connect("watcher") as watcher:
        await watcher.subscribe(["gone"])
        dying = connect("dying", will=will)
        await dying.__aenter__()
        dying._client.timeout = 0.1  # to leave; to connect it has its time
        dying._paho.socket().close()
        with pytest.raises(aiomqtt.MqttError):
            await dying.__aexit__(None, None, None)

        assert (await collect(watcher, 1))[0].payload == b"porch"

"""The MQTT source: commits before it acknowledges, answers agents, stops reading when the writer lags."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from hub.config import Config
from hub.decode.limits import Limits
from hub.decode.registry import Decoders
from hub.sources.mqtt import MqttSource
from hub.sources.topics import Topics
from hub.store import overview
from hub.store import writer as writer_module
from hub.store.database import database_path
from hub.wire.connection import Connection
from hub.wire.protocol import Ack

TOPIC = "$aws/things/porch/infer"
SEEN = b'{"thumbs-up": 0.9}'


@pytest.fixture
def sourcing(store, broker):
    @asynccontextmanager
    async def run(topics=None, ours=False, **options):
        connect = partial(Connection, broker.host, broker.port, client_id="hub", clean=False, **options)
        source = MqttSource(
            connect,
            "mqtt://here",
            Topics(topics or Config().mqtt.topics),
            Decoders({}, ZoneInfo("UTC"), Limits()),
            store.writer,
            ours=ours,
        )
        running = asyncio.create_task(source.run())
        try:
            yield source
        finally:
            running.cancel()
            await asyncio.wait([running])

    return run


@pytest.fixture
def connected(caplog):
    caplog.set_level("INFO")
    return lambda: any("mqtt.connected" in record.message for record in caplog.records)


@pytest.fixture
def sender(broker):
    return lambda name="sender": Connection(broker.host, broker.port, client_id=name)


def count(store):
    return store.sql("SELECT COUNT(*) FROM events")[0][0]


@pytest.mark.parametrize("version5", [False, True])
@pytest.mark.parametrize(
    ("ours", "flags"), [(False, [(0, 0), (0, 0), (1, 1), (0, 0)]), (True, [(0, 0), (0, 0), (0, 0)])]
)
async def test_source_acknowledges_only_what_is_committed_and_knows_what_comes_again(
    store, sourcing, sender, connected, wait_until, version5, ours, flags
):
    lock = sqlite3.connect(database_path(store.data_dir), isolation_level=None)
    async with sourcing(version5=version5, ours=ours), sender() as connection:
        await wait_until(connected)
        await connection.publish(TOPIC, SEEN)
        await wait_until(lambda: count(store) == 1)
        lock.execute("BEGIN IMMEDIATE")
        await connection.publish(TOPIC, SEEN)
        waiting_for_lock = store.writer._thread._connection.in_transaction
        await wait_until(waiting_for_lock)
    lock.rollback()
    lock.close()
    async with sourcing(version5=version5, ours=ours), sender() as connection:
        await connection.publish(TOPIC, b'{"last": 0.9}')
        await wait_until(lambda: store.sql("SELECT 1 FROM detections WHERE label = 'last'"))

    query = "SELECT m.duplicate, e.attributes LIKE '%maybe_repeat%' FROM events e JOIN messages m"
    assert store.sql(query + " ON m.id = e.message_id ORDER BY e.id") == flags


async def test_source_keeps_what_mqtt_says_of_a_message(store, sourcing, sender, connected, wait_until):
    async with sourcing(), sender() as connection:
        await wait_until(connected)
        await connection.publish(TOPIC, SEEN)
        await wait_until(lambda: count(store) == 1)

    ((mid, session, duplicate, payload),) = store.sql("SELECT mid, session, duplicate, payload FROM messages")
    assert (mid > 0, len(session), duplicate, payload) == (True, 16, 0, SEEN)


async def test_source_knows_a_session_by_its_name_until_the_broker_loses_it(
    store, sourcing, broker, sender, wait_until
):
    async def send(label):
        """Publish until one has come through; others may be stored later, hence the names."""
        seen = "SELECT 1 FROM detections WHERE label = ?"
        async with sourcing(), sender() as connection:
            await wait_until(lambda: store.sql("SELECT 1 FROM sessions"))
            while not store.sql(seen, label):
                await connection.publish(TOPIC, json.dumps({label: 0.9}).encode())

    await send("first")
    await send("second")
    broker.kill()
    await asyncio.to_thread(broker.start)
    await send("third")
    names = [name for (name,) in store.sql("SELECT session FROM messages GROUP BY session ORDER BY min(id)")]

    assert len(names) == 2
    assert store.sql("SELECT place, name FROM sessions") == [("hub at mqtt://here", names[1])]


async def test_source_takes_a_message_once_where_filters_overlap(
    store, sourcing, sender, connected, wait_until
):
    topics = {TOPIC: "deeplens", "$aws/things/+/infer": "deeplens", "$aws/things/#": "edge"}
    async with sourcing(topics), sender() as connection:
        await wait_until(connected)
        await connection.publish(TOPIC, SEEN)
        await connection.publish("$aws/things/attic/infer", SEEN)
        await wait_until(lambda: store.sql("SELECT COUNT(*) FROM events WHERE device = 'attic'") == [(1,)])

    assert store.sql("SELECT device FROM events ORDER BY id") == [("porch",), ("attic",)]
    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]


async def test_source_answers_a_hello_and_acks_records(store, sourcing, sender, connected, wait_until, soon):
    hello = {"epoch": "0123456789abcdef", "first": 1, "next": 2, "now": "2026-11-21T12:00:00Z"}
    record = json.dumps({"captured_at": "2026-11-21T12:00:00Z"}).encode()
    async with sourcing(), sender() as agent:
        await agent.subscribe(["lenshub/v1/porch/ack"])
        await wait_until(connected)
        await agent.publish(
            "lenshub/v1/porch/hello", json.dumps({**hello, "agent": "a", "nonce": "mine"}).encode()
        )
        first = Ack.model_validate_json((await soon(agent.receive()))[0].payload)
        await agent.publish("lenshub/v1/porch/events/0123456789abcdef/1", record)
        second = Ack.model_validate_json((await soon(agent.receive()))[0].payload)

    assert (first.seq, first.hello) == (0, "mine")
    assert (second.seq, second.hello) == (1, None)


async def test_source_stops_reading_while_the_writer_is_behind(
    store, sourcing, sender, connected, wait_until, monkeypatch, caplog
):
    monkeypatch.setattr(writer_module, "BACKLOG_ARRIVALS", 10)
    lock = sqlite3.connect(database_path(store.data_dir), isolation_level=None)
    async with sourcing() as source, sender() as connection:
        await wait_until(connected)
        lock.execute("BEGIN IMMEDIATE")
        connection.publish_soon(TOPIC, SEEN)  # the writer is busy with this one, and takes no other
        await wait_until(lambda: "store.failing" in caplog.text)
        for _ in range(499):
            connection.publish_soon(TOPIC, SEEN)
        await wait_until(lambda: not source._connection._client.reading)
        lock.rollback()
        lock.close()
        await wait_until(lambda: count(store) == 500)

    assert source._writer.has_room()


async def test_source_comes_back_after_its_broker_with_one_line_of_complaint(
    store, sourcing, broker, sender, connected, caplog, wait_until
):
    async with sourcing():
        await wait_until(connected)
        broker.kill()
        await wait_until(lambda: any("mqtt.lost" in record.message for record in caplog.records))
        await asyncio.to_thread(broker.start)
        await wait_until(lambda: sum("mqtt.connected" in record.message for record in caplog.records) == 2)
        async with sender() as connection:
            await connection.publish(TOPIC, SEEN)
        await wait_until(lambda: count(store) == 1)

    assert sum("mqtt.lost" in record.message for record in caplog.records) == 1


async def test_source_takes_a_retained_message_only_when_it_is_sent(
    store, sourcing, sender, connected, wait_until
):
    async with sender() as connection:
        await connection.publish(TOPIC, SEEN, retain=True)
        await connection.publish("lenshub/v1/porch/status", b'{"state": "online"}', retain=True)
        async with sourcing():
            await wait_until(connected)
            await connection.publish(TOPIC, b'{"last": 0.9}')
            await wait_until(lambda: store.writer.tail.newest >= 1)
    assert [event.labels for event in await store.log.after(0, 9)] == [frozenset({"last"})]
    assert (await overview.list_devices(store.engine))[0]["state"] == "online"


async def test_source_takes_a_retained_availability_and_no_retained_picture(
    store, sourcing, sender, wait_until
):
    topics = {"frigate/available": "frigate", "frigate/+/+/snapshot": "frigate"}
    async with sender() as connection:
        await connection.publish("frigate/door/car/snapshot", b"no picture", retain=True)
        await connection.publish("frigate/available", b"online", retain=True)
        async with sourcing(topics):
            await wait_until(lambda: store.sql("SELECT state FROM devices") == [("online",)])
    assert store.sql("SELECT code FROM quarantine") == []

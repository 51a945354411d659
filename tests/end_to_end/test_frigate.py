"""A Frigate on the hub's own broker: heard under its topics."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from contextlib import closing

import numpy as np

from hub.config import Config
from hub.devices import DeviceRegistry
from hub.draw.picture import encode_jpeg
from hub.program import Wishes, run_hub
from hub.wire.connection import Connection

TOPICS = ("+/events", "+/reviews", "+/tracked_object_update", "+/available", "+/+/+/snapshot")
CAR = {"id": "1.5-abc", "camera": "door", "label": "car", "start_time": 1.8e9, "top_score": 0.8}


async def test_hub_hears_a_frigate_on_its_own_broker(tmp_path, free_port, mosquitto_path, wait_until):
    data_dir = tmp_path / "data"
    jpeg = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))
    mqtt = {"port": free_port, "topics": dict.fromkeys(TOPICS, "frigate")}
    config = Config.model_validate({"hub": {"data_dir": data_dir}, "mqtt": mqtt})
    password = DeviceRegistry(data_dir / "broker").add("frigate")

    def ask(statement):
        with closing(sqlite3.connect(f"file:{data_dir}/hub.sqlite?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    async def says(connection, messages, statement, told):
        """Say it once more, and whether it was heard: Frigate waits for nobody who has not subscribed."""
        for topic, payload in messages.items():
            await connection.publish("frigate/stats", b"{}", qos=1)
            await connection.publish("frigate/porch/person", b"1", qos=1)
            await connection.publish(f"frigate/{topic}", payload)
        return ask(statement) == told

    seen = json.dumps({"type": "new", "after": CAR}).encode()
    stop = asyncio.Event()
    running = asyncio.create_task(run_hub(config, Wishes(stop)))
    try:
        await wait_until(lambda: can_connect(free_port))
        login = {"client_id": "frigate", "username": "frigate", "password": password}
        async with Connection("127.0.0.1", free_port, **login) as connection:
            rows = "SELECT kind, amends FROM events"
            await wait_until(lambda: says(connection, {"events": seen}, rows, [("event", None)]))
            both = [("event", None), ("amendment", 1)]
            await wait_until(lambda: says(connection, {"door/car/snapshot": jpeg}, rows, both))
            devices = ("SELECT name, state FROM devices", [("frigate", "online")])
            await wait_until(lambda: says(connection, {"available": b"online"}, *devices))
    finally:
        stop.set()
        await running
    assert ask(rows) == both
    assert ask("SELECT DISTINCT code FROM quarantine") == []


def can_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

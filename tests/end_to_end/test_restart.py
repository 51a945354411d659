"""Kills and stops of the real program: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest

from hub.wire.connection import Connection

EFFECT = """
import asyncio
from pathlib import Path
from pydantic import BaseModel
from hub.plugin import hookimpl

class Plugin:
    class Settings(BaseModel):
        path: Path

    def __init__(self, settings, context):
        self.path = settings.path

    @hookimpl
    async def deliver(self, event, delivery):
        async with delivery.once(f"tweet/{event.id}"):
            with self.path.open("a") as file:
                file.write(f"{event.id}\\n")
            if event.id == 1:
                await asyncio.Event().wait()
"""


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


async def test_effect_cut_off_by_a_kill_is_unknown_and_not_repeated(hub, device, wait_until):
    done = hub.folder / "done"
    hub.install("effect", EFFECT)
    hub.configure(f'[plugins.effect]\npath = "{done}"\n')
    hub.start()
    async with device("porch") as sender:
        await sender.acked(sender.record())
    await wait_until(lambda: done.exists() and done.read_text() == "1\n")  # it is made before it is written
    hub.kill()
    hub.start()
    await wait_until(lambda: hub.sql("SELECT outcome FROM deliveries") == [("unknown",)])

    assert done.read_text() == "1\n"
    (told,) = hub.json("explain", "1")["deliveries"]
    assert (told["outcome"], told["reason"][:22]) == ("unknown", "tweet/1 was begun at 2")


async def test_hub_that_was_killed_starts_again_and_goes_on(hub, device):
    hub.start()
    async with device("porch") as sender:
        await sender.acked(sender.record())
        password = sender.connection._client._client._password.decode()
    hub.kill()
    hub.start()
    async with device("porch", password) as sender:
        sender.seq = 1
        await sender.acked(sender.record())

    assert hub.sql("SELECT key FROM events") == [(f"edge:porch/0123456789abcdef/{n}",) for n in (1, 2)]


async def test_message_unacknowledged_at_a_kill_comes_again(hub, broker, wait_until):
    hub.configure("", mqtt=f'broker = "mqtt://127.0.0.1:{broker.port}"')
    hub.start()
    lock = sqlite3.connect(hub.folder / "data" / "hub.sqlite", isolation_level=None, timeout=60)
    lock.execute("BEGIN IMMEDIATE")  # the hub can receive, but not commit
    async with Connection("127.0.0.1", broker.port, client_id="any") as connection:
        for _ in range(15):  # fewer than the broker sends without an acknowledgement
            await connection.publish("$aws/things/porch/infer", b'{"thumbs-up": 0.9}')
    hub.kill()
    lock.rollback()
    lock.close()
    assert hub.count() == 0

    hub.start()
    await wait_until(lambda: hub.count() == 15)
    assert hub.count("messages") == 15
    # The broker is a strange one, so what it flags as sent before is in doubt.
    query = "SELECT e.id FROM events e JOIN messages m ON m.id = e.message_id WHERE m.duplicate"
    doubtful = {event["id"] for event in hub.json("events") if event["attributes"].get("maybe_repeat")}
    assert doubtful == {number for (number,) in hub.sql(query)}
    assert all("Maybe a repeat" in hub.cli("explain", str(number)) for number in list(doubtful)[:1])


async def test_image_link_is_joined_to_the_record_that_comes_after_a_kill(hub, device, wait_until):
    hub.start()
    async with device("porch") as sender:
        sender.plain(b'{"img": "https://s3.amazonaws.com/bucket/images/1.jpg"}')
        await wait_until(lambda: hub.count("pending_image_links") == 1)
        password = sender.connection._client._client._password.decode()
    hub.kill()
    hub.start()
    async with device("porch", password) as sender:
        sender.plain(b'{"thumbs-up": 0.9}')
        sender.plain(b'{"thumbs-up": 0.9}')
        await wait_until(lambda: hub.count() == 2)

    links = [event["attributes"].get("link_to_img") for event in hub.json("events")]
    assert links == [None, "https://s3.amazonaws.com/bucket/images/1.jpg"]


async def test_hub_ends_within_ten_seconds_with_all_it_received_committed(hub, device):
    hub.start()
    async with device("porch") as sender:
        for _ in range(3000):
            sender.record()
        await sender.acked(1)
        started = time.monotonic()
        assert hub.stop() == 0

    assert time.monotonic() - started < 10
    assert hub.sql("SELECT committed FROM epochs") == [(hub.count(),)]
    assert "hub.stopped" in hub.log()
    assert "Traceback" not in hub.log()


async def test_hub_starts_and_stops_in_order(hub, device, wait_until):
    hub.install("effect", EFFECT)
    hub.configure(f'[plugins.effect]\npath = "{hub.folder}/done"\n')
    hub.start()
    broker = hub.broker_pid()
    await wait_until(lambda: "plugin.running effect" in hub.log())
    hub.stop()

    steps = [line.split()[3] for line in hub.log().splitlines() if len(line.split()) > 3]
    order = [step for step in steps if step in {"hub.ready", "mqtt.connected", "hub.stopping", "hub.stopped"}]
    assert order == ["hub.ready", "mqtt.connected", "hub.stopping", "hub.stopped"]
    assert not running(broker)


async def test_broker_ends_when_the_hub_is_killed(hub, wait_until, require_program):
    require_program("setpriv")
    hub.start()
    broker = hub.broker_pid()
    assert running(broker)
    hub.kill()

    await wait_until(lambda: not running(broker))


async def test_broker_that_was_killed_is_started_again(hub, device, wait_until):
    hub.start()
    async with device("porch") as sender:
        password = sender.connection._client._client._password.decode()
        await sender.acked(sender.record())
    os.kill(hub.broker_pid(), signal.SIGKILL)
    await wait_until(lambda: hub.log().count("mqtt.connected") == 2)

    async with device("porch", password) as sender:
        sender.seq = 1
        await sender.acked(sender.record())
    assert "broker.died; starting it again" in hub.log()
    assert hub.log().count("mqtt.lost") == 1


async def test_device_added_while_the_hub_runs_may_connect_at_once(hub, device):
    hub.start()
    async with device("late") as sender:
        await sender.acked(sender.record())
    hub.cli("device", "remove", "late")

    assert hub.sql("SELECT device FROM events") == [("late",)]


@pytest.fixture
def run_once(hub):
    """A function that runs the hub to its end and returns its exit code and what it complained of."""

    def run(**env):
        command = [*hub.program, "run", "-c", hub.folder / "hub.toml"]
        done = subprocess.run(command, env=hub.env | env, capture_output=True, text=True, timeout=100)
        lines = done.stderr.splitlines()
        return done.returncode, [line for line in lines if not line[:4].isdigit()]  # without the log

    return run


def test_second_hub_on_the_same_folder_is_refused_with_one_line(hub, run_once):
    hub.start()

    code, (said,) = run_once()

    assert code == 1
    assert said == (
        f"{hub.folder}/data: another hub (process {hub.process.pid}) is using it; "
        "stop it or choose another data_dir"
    )


def test_port_in_use_is_one_clear_line(hub, broker, run_once):
    hub.port = broker.port
    hub.configure("")
    code, (said,) = run_once()

    assert code == 2
    assert said == (
        f"mqtt.port: port {broker.port} on 127.0.0.1 is in use by another program; "
        "choose another in hub.toml, or stop that program"
    )


def test_missing_mosquitto_is_one_clear_line(hub, run_once):
    hub.do_without("amqtt")
    code, said = run_once()

    assert code == 2
    assert len(said) == 1
    assert "`apt-get install mosquitto`" in said[0]
    assert "`pip install 'lenshub[embedded]'`" in said[0]


async def test_unreachable_broker_is_one_line_and_tried_again_until_it_answers(hub, broker, wait_until):
    broker.stop()
    hub.configure("", mqtt=f'broker = "mqtt://127.0.0.1:{broker.port}"')
    hub.start(until="mqtt.lost")
    await asyncio.to_thread(broker.start)
    await wait_until(lambda: "mqtt.connected" in hub.log())

    assert hub.log().count("mqtt.lost") == 1
    assert f"mqtt.lost mqtt://127.0.0.1:{broker.port}" in hub.log()


async def test_hub_goes_on_when_its_broker_comes_back(hub, broker, wait_until):
    hub.configure("", mqtt=f'broker = "mqtt://127.0.0.1:{broker.port}"')
    hub.start()
    broker.kill()
    await wait_until(lambda: "mqtt.lost" in hub.log())
    await asyncio.to_thread(broker.start)
    await wait_until(lambda: hub.log().count("mqtt.connected") == 2)
    async with Connection("127.0.0.1", broker.port, client_id="any") as connection:
        await connection.publish("$aws/things/porch/infer", b'{"thumbs-up": 0.9}')

    await wait_until(lambda: hub.count() == 1)


async def test_broker_files_are_readable_for_its_user_alone(hub):
    hub.start()
    broker = hub.folder / "data" / "broker"
    assert hub.stop() == 0  # a broker that runs has files that come and go

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (broker, *broker.iterdir())}
    assert {
        name: mode for name, mode in modes.items() if mode & 0o077 and name not in {"pid", "mosquitto.db"}
    } == {}
    assert hub.env.get("PASSWORD") is None


async def test_plain_messages_under_way_at_a_stop_are_stored_once(hub, broker, wait_until):
    hub.configure("", mqtt=f'broker = "mqtt://127.0.0.1:{broker.port}"')
    hub.start()
    lock = sqlite3.connect(hub.folder / "data" / "hub.sqlite", isolation_level=None, timeout=60)
    lock.execute("BEGIN IMMEDIATE")  # the hub can receive, but not commit
    async with Connection("127.0.0.1", broker.port, client_id="any") as connection:
        for _ in range(15):
            await connection.publish("$aws/things/porch/infer", b'{"thumbs-up": 0.9}')
    hub.process.send_signal(signal.SIGTERM)
    await wait_until(lambda: "hub.stopping" in hub.log())
    lock.rollback()
    lock.close()
    assert hub.process.wait(60) == 0

    hub.start()
    await wait_until(lambda: hub.count() >= 15)
    async with Connection("127.0.0.1", broker.port, client_id="any") as connection:
        await connection.publish("$aws/things/porch/infer", b'{"last": 0.9}')
    await wait_until(lambda: hub.json("events", "--label", "last"))
    assert hub.count() == 16

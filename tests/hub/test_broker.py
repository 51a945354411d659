"""The private broker: nobody comes in unasked, a device speaks only for itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE

import aiomqtt
import pytest

from hub.broker import HOST, PrivateBroker, _takes_hangups
from hub.config import Config
from hub.devices import DeviceRegistry
from hub.errors import ConfigError
from hub.intake import _topics_of_others
from hub.wire.connection import Connection


@pytest.fixture
async def private(tmp_path, free_port, require_program):
    require_program("mosquitto")
    topics = ["birds/+/seen/+", "nobody/writes"]
    async with PrivateBroker(tmp_path / "broker", free_port, 1_000_000, topics=topics) as running:
        yield running


@pytest.fixture
def registry(tmp_path):
    return DeviceRegistry(tmp_path / "broker")


@pytest.fixture
def connect(private):
    def make(username=None, password=None, client_id="someone", **options):
        return Connection(
            "127.0.0.1",
            private.port,
            client_id=client_id,
            username=username,
            password=password,
            timeout_s=60,
            **options,
        )

    return make


@pytest.mark.parametrize(
    ("username", "password"), [(None, None), ("porch", "wrong"), ("lenshub", ""), ("nobody", "x")]
)
async def test_broker_refuses_who_has_no_right_password(connect, registry, username, password):
    registry.add("porch")

    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori[sz]ed"):
        async with connect(username, password):
            pass


async def test_broker_lets_a_device_in_that_was_just_added_and_not_once_removed(
    connect, registry, wait_until
):
    password = registry.add("porch")

    async def admitted():
        try:
            async with connect("porch", password):
                return True
        except aiomqtt.MqttError:
            return False

    await wait_until(admitted)
    registry.remove("porch")
    await wait_until(lambda: _negated(admitted))


async def _negated(condition):
    return not await condition()


async def test_broker_lets_a_device_publish_only_its_own_topics(private, connect, registry, wait_until):
    own = [f"lenshub/v1/porch/{kind}" for kind in ("hello", "events/0123456789abcdef/1", "gap", "status")]
    own += ["$aws/things/porch/infer", "birds/porch/seen/1"]
    foreign = [topic.replace("porch", "attic") for topic in own]
    foreign += ["lenshub/v1/porch/ack", "lenshub/v1/attic/ack", "nobody/writes", "$aws/things/porch/other"]
    password = registry.add("porch")
    async with connect("lenshub", private.password, "hub") as hub:
        await hub.subscribe(["#", "$aws/things/+/infer"])
        for topic in foreign + own:
            with suppress(aiomqtt.MqttError):  # a refused publish may end the connection
                async with connect("porch", password) as device:
                    await device.publish(topic, b"{}")
        await wait_until(lambda: len(hub._client.inbox) >= len(own))

        assert [message.topic for message in await hub.receive()] == own


async def test_broker_lets_a_frigate_publish_its_whole_prefix_and_nothing_of_others(
    tmp_path, free_port, require_program, registry, wait_until
):
    require_program("mosquitto")
    tables = {"+/events": "frigate", "+/+/+/snapshot": "frigate", "birds/+/seen": "cloudevents"}
    topics = _topics_of_others(Config.model_validate({"mqtt": {"topics": tables}}))
    passwords = {name: registry.add(name) for name in ("porch", "birds")}
    own = [f"porch/{said}" for said in ("events", "stats", "yard/person", "yard/person/snapshot")]
    foreign = ["attic/events", "lenshub/v1/attic/status", "birds/attic/seen"]
    said = [("porch", topic) for topic in foreign + own]
    said += [("birds", "birds/attic/seen"), ("birds", "birds/stats")]
    async with (
        PrivateBroker(tmp_path / "broker", free_port, 1_000_000, topics=topics) as running,
        Connection(
            HOST, free_port, client_id="hub", username="lenshub", password=running.password, timeout_s=60
        ) as hub,
    ):
        await hub.subscribe(["#"])
        for name, topic in said:
            login = {"client_id": name, "username": name, "password": passwords[name], "timeout_s": 60}
            with suppress(aiomqtt.MqttError):
                async with Connection(HOST, free_port, **login) as device:
                    await device.publish(topic, b"{}")
        await wait_until(lambda: len(hub._client.inbox) > len(own))

        assert [message.topic for message in await hub.receive()] == [*own, "birds/stats"]


async def test_broker_lets_a_device_read_only_its_own_ack(private, connect, registry, wait_until):
    async with (
        connect("porch", registry.add("porch")) as porch,
        connect("lenshub", private.password, "hub") as hub,
    ):
        await porch.subscribe(["#", "lenshub/v1/attic/ack", "lenshub/v1/porch/ack"])
        for topic in ("lenshub/v1/attic/ack", "lenshub/v1/porch/ack"):
            await hub.publish(topic, b"{}")
        await wait_until(lambda: porch._client.inbox)
        await porch.publish("lenshub/v1/porch/hello", b"{}")  # a round trip after which all has arrived
        received = await porch.receive()

    assert {message.topic for message in received} == {"lenshub/v1/porch/ack"}


async def test_broker_ties_the_client_id_to_the_user_name(private, connect, registry):
    async with connect("lenshub", private.password, "lenshub") as hub:
        async with connect("porch", registry.add("porch"), client_id="lenshub"):
            await hub.publish("lenshub/v1/porch/ack", b"{}")

        assert hub.connected


async def test_broker_listens_on_the_loopback_only(private):
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    listening = table.splitlines()[1:]
    ports = [line.split()[1] for line in listening if line.split()[3] == "0A"]
    own = [address for address in ports if int(address.split(":")[1], 16) == private.port]

    assert own == [f"0100007F:{private.port:04X}"]


async def test_broker_ends_with_its_context(tmp_path, free_port, require_program):
    require_program("mosquitto")
    async with PrivateBroker(tmp_path / "broker", free_port, 1_000_000) as running:
        pid = running._process.pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_broker_says_so_when_its_port_is_in_use(tmp_path, broker, monkeypatch):
    monkeypatch.setattr("hub.broker.STOP_S", 0.1)

    with pytest.raises(ConfigError, match=rf"mqtt\.port: port {broker.port} on 127\.0\.0\.1 is in use"):
        async with PrivateBroker(tmp_path / "broker", broker.port, 1_000_000):
            pass


@pytest.fixture
def open_folder():
    """A folder that every user can get to; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts programs as another user")
async def test_broker_started_by_root_runs_as_mosquitto_where_it_can(open_folder, free_port, require_program):
    require_program("mosquitto")
    async with PrivateBroker(open_folder / "broker", free_port, 1_000_000) as running:
        process = await asyncio.to_thread(Path(f"/proc/{running._process.pid}").stat)

    assert process.st_uid != 0


def test_broker_never_shows_its_password(tmp_path):
    made = PrivateBroker(tmp_path, 1, 1)

    assert made.password not in repr(made)


@pytest.mark.parametrize(("handler", "takes"), [("lambda *_: None", True), ("signal.SIG_DFL", False)])
def test_broker_takes_hangups_once_it_has_a_handler_for_them(handler, takes):
    source = f"import signal; signal.signal(signal.SIGHUP, {handler}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", source], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout.readline() == b"\n"
        found = _takes_hangups(process.pid)
        process.communicate(b"\n")

    assert found == takes

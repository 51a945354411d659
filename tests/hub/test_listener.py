"""The private broker opened to the network: TLS and credentials, never without both."""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest

from hub.broker import PrivateBroker
from hub.config import Config
from hub.devices import DeviceRegistry
from hub.errors import ConfigError
from hub.listener import find_listener, find_names
from hub.wire.connection import Connection
from hub.wire.tls import Tls


@pytest.fixture
def open_port(find_free_port):
    return find_free_port()


@pytest.fixture
def settle(tmp_path, open_port):
    """A function that returns the listener of settings, on a port of the loopback."""

    def settle(**mqtt):
        mqtt = {"listen": f"127.0.0.1:{open_port}", **mqtt}
        return find_listener(Config.model_validate({"hub": {"data_dir": tmp_path}, "mqtt": mqtt}))

    return settle


@pytest.fixture
async def opened(settle, tmp_path, free_port, require_program):
    """The listener of a running private broker."""
    require_program("mosquitto")
    listener = settle()
    async with PrivateBroker(tmp_path / "broker", free_port, 1_000_000, listener) as running:
        yield listener, running


@pytest.fixture
def registry(tmp_path):
    return DeviceRegistry(tmp_path / "broker")


@pytest.fixture
def connect(opened, open_port):
    listener, _ = opened

    def make(username=None, password=None, client_id="someone", tls=True, **options):
        trust = Tls(ca=listener.ca_pem()) if tls else None
        host = "127.0.0.1"
        return Connection(
            host,
            open_port,
            client_id=client_id,
            username=username,
            password=password,
            tls=trust,
            timeout_s=60,
            **options,
        )

    return make


async def test_opened_broker_lets_a_device_in_by_its_password_over_tls(connect, registry, opened):
    _, running = opened
    hub = Connection("127.0.0.1", running.port, client_id="h", username="lenshub", password=running.password)
    async with hub, connect("porch", registry.add("porch")) as porch:
        await hub.subscribe(["lenshub/#"])
        await porch.publish("lenshub/v1/porch/hello", b"{}")

        assert [message.topic for message in await hub.receive()] == ["lenshub/v1/porch/hello"]


@pytest.mark.parametrize(("username", "password"), [(None, None), ("porch", "wrong"), ("lenshub", "")])
async def test_opened_broker_refuses_who_has_no_right_password(connect, registry, username, password):
    registry.add("porch")

    with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
        async with connect(username, password):
            pass


async def test_opened_broker_refuses_who_speaks_no_tls(connect, registry):
    with pytest.raises(aiomqtt.MqttError, match="begins with mqtts://"):
        async with connect("porch", registry.add("porch"), tls=False):
            pass


async def test_opened_broker_refuses_tls_older_than_1_2(opened, open_port):
    listener, _ = opened
    context = ssl.create_default_context(cadata=listener.ca_pem())
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    with socket.create_connection(("127.0.0.1", open_port)) as sock, pytest.raises(OSError):  # noqa: PT011, SIM117 - a reset may come before the alert
        with context.wrap_socket(sock, server_hostname="127.0.0.1"):
            pass


async def test_opened_broker_ties_the_client_id_to_the_user_name(connect, registry):
    passwords = {name: registry.add(name) for name in ("attic", "porch")}
    async with connect("porch", passwords["porch"], "porch") as porch:
        async with connect("attic", passwords["attic"], client_id="porch") as attic:
            await attic.publish("lenshub/v1/attic/hello", b"{}")
        await porch.publish("lenshub/v1/porch/hello", b"{}")

        assert porch.connected


async def test_opened_broker_keeps_a_device_to_its_own_topics(connect, registry):
    async with connect("porch", registry.add("porch"), version5=True) as porch:
        await porch.subscribe(["lenshub/v1/attic/ack"])  # Mosquitto says yes to all, and sends nothing
        porch.publish_soon("lenshub/v1/attic/status", b"{}")
        refused = []
        with suppress(aiomqtt.MqttError):  # Mosquitto may also hang up
            while not refused:
                await porch.receive()
                refused = porch.refused()

        assert refused or not porch.connected


async def test_opened_broker_shows_a_new_certificate_once_it_was_renewed(opened, open_port, wait_until):
    listener, running = opened
    context = ssl.create_default_context(cadata=listener.ca_pem())

    def serial():
        with (
            socket.create_connection(("127.0.0.1", open_port)) as sock,
            context.wrap_socket(sock, server_hostname="127.0.0.1") as secured,
        ):
            return secured.getpeercert()["serialNumber"]

    before = serial()
    running._renew(listener)

    await wait_until(lambda: serial() != before)


async def test_opened_broker_cannot_read_the_authoritys_key(opened, tmp_path):
    secrets = {path.name for path in (tmp_path / "broker").iterdir()}

    assert {"server.pem", "server.key"} <= secrets
    assert "ca.key" not in secrets
    assert (tmp_path / "broker" / "server.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "tls" / "ca.key").stat().st_uid == os.getuid()


@pytest.fixture
def reachable():
    """A folder that every user can get to; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts programs as another user")
async def test_opened_broker_started_by_root_serves_as_mosquitto(
    settle, free_port, require_program, reachable
):
    require_program("mosquitto")
    listener = settle()
    async with PrivateBroker(reachable / "broker", free_port, 1_000_000, listener) as running:
        password = DeviceRegistry(reachable / "broker").add("porch")
        running._renew(listener)
        tls = Tls(ca=listener.ca_pem())
        async with Connection(
            "127.0.0.1", listener.port, client_id="x", username="porch", password=password, tls=tls
        ) as porch:
            assert porch.connected


async def test_broker_says_so_when_the_network_port_is_in_use(
    settle, tmp_path, free_port, broker, monkeypatch
):
    monkeypatch.setattr("hub.broker.STOP_S", 0.1)
    listener = settle(listen=f"127.0.0.1:{broker.port}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))

        with pytest.raises(ConfigError, match=r"mqtt\.listen: .* cannot be listened on: Address already"):
            async with PrivateBroker(tmp_path / "b", probe.getsockname()[1], 1_000_000, listener):
                pass


def test_listener_takes_a_certificate_of_yours(settle, certificates, tmp_path):
    cert_file, key_file = certificates.issue("server", "hub.local")
    listener = settle(
        listen_cert_file=cert_file, listen_key_file=key_file, listen_ca_file=certificates.ca_file
    )

    assert listener.issue() == (cert_file.read_bytes(), key_file.read_bytes())
    assert listener.ca_pem() == certificates.ca_file.read_text()
    assert listener.list_problems() == []
    assert not (tmp_path / "tls").exists()


def test_listener_needs_no_authority_when_yours_is_publicly_known(settle, certificates):
    cert_file, key_file = certificates.issue("server", "hub.example.org")

    assert settle(listen_cert_file=cert_file, listen_key_file=key_file).ca_pem() is None


def test_listener_names_what_is_wrong_with_a_certificate_of_yours(settle, certificates):
    then = datetime(2020, 1, 1, tzinfo=UTC)
    cert_file, key_file = certificates.issue("server", not_before=then, not_after=then + timedelta(9))
    _, other = certificates.issue("other")

    expired = settle(listen_cert_file=cert_file, listen_key_file=key_file)
    assert "mqtt.listen_cert_file: the certificate" in expired.list_problems()[0]
    assert "expired on 2020-01-10" in expired.list_problems()[0]
    with pytest.raises(ConfigError, match=r"mqtt\.listen_key_file: .*other\.key is not the key"):
        settle(listen_cert_file=cert_file, listen_key_file=other).issue()


def test_listener_makes_no_authority_when_it_is_only_checked(settle, tmp_path):
    assert settle().list_problems() == []
    assert not (tmp_path / "tls").exists()


@pytest.mark.parametrize(
    ("listen", "names", "url"),
    [
        ("0.0.0.0:8883", ["hub.local", "10.0.0.1"], "mqtts://hub.local:8883"),
        ("10.0.0.1:443", [], "mqtts://10.0.0.1:443"),
        ("[::1]:8883", [], "mqtts://[::1]:8883"),
    ],
)
def test_listener_tells_devices_the_first_of_its_names(settle, listen, names, url):
    assert settle(listen=listen, listen_names=names).url == url


def test_names_hold_the_machines_own():
    everywhere = "0.0.0.0"  # noqa: S104 - nothing is bound
    names = find_names(everywhere)

    assert {socket.gethostname(), "localhost", "127.0.0.1"} <= set(names)
    assert everywhere not in names


def test_there_is_no_listener_unless_it_is_asked_for():
    assert find_listener(Config()) is None

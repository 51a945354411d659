"""Hub and agent over TLS: what `device add` prints is enough, and certificates do without passwords."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from edge.check.login import Login
from edge.config import find_broker, read_config
from edge.link import Broker, Link
from edge.spool import Spool
from hub.wire.tls import Tls

LENSHUB = str(Path(sys.executable).with_name("lenshub"))
BROKERS = Path(__file__).parents[2] / "docs" / "brokers.md"
EVENT = b'{"captured_at":"2026-11-21T12:00:00Z","detections":[{"label":"thumbs-up","confidence":0.9}]}'


@pytest.fixture
def send(tmp_path):
    """A function that lets an agent's link run until the hub has three records."""

    async def drain(device: str, broker: Broker) -> None:
        with Spool.open(tmp_path / "spool.db") as spool:
            spool.append_many([(EVENT, None)] * 3)
            link = Link(spool, device, broker)
            running = asyncio.create_task(link.run())
            try:
                async with asyncio.timeout(60):
                    await link.drained()
            finally:
                running.cancel()
                await asyncio.wait([running])

    return drain


async def test_agent_needs_only_what_device_add_prints_when_the_hub_listens(
    hub, find_free_port, send, tmp_path, monkeypatch
):
    for patience in ("PUBACK_S", "ANSWER_S", "SKEW_S"):  # that the machine is busy is no finding
        monkeypatch.setattr(f"edge.check.login.{patience}", 60.0)
    open_port = find_free_port()
    hub.configure("", f'listen = "127.0.0.1:{open_port}"')
    command = [LENSHUB, "device", "add", "porch", "-c", str(hub.folder / "hub.toml")]
    printed = await asyncio.to_thread(subprocess.run, command, env=hub.env, capture_output=True, check=True)
    (tmp_path / "agent.toml").write_bytes(printed.stdout)
    config = read_config(tmp_path / "agent.toml", {})
    await asyncio.to_thread(hub.start)

    await send("porch", find_broker(config.broker))

    assert config.broker.url == f"mqtts://127.0.0.1:{open_port}"
    assert hub.count() == 3

    found = [*await Login(find_broker(config.broker), "porch", (), (EVENT, None)).check()]
    assert {finding.state for finding in found} == {"ok"}
    assert {finding.part for finding in found} == {"broker", "rules", "hub", "clock"}
    assert (hub.count(), hub.count("quarantine"), hub.count("gaps")) == (3, 0, 0)


async def test_check_names_what_the_private_brokers_rules_forbid(hub, monkeypatch):
    monkeypatch.setattr("edge.check.login.RECONNECT_S", 0.01)
    await asyncio.to_thread(hub.start)
    password = await asyncio.to_thread(hub.add_device, "attic")

    found = await Login(Broker("127.0.0.1", hub.port, "attic", password), "porch", (), (EVENT, None)).check()

    wrong = [finding.text for finding in found if finding.state == "wrong"]
    assert len([text for text in wrong if "access rules" in text]) == 4


async def test_hub_and_agent_are_known_by_their_certificates_at_a_broker_of_yours(
    hub, start_broker, certificates, send, tmp_path
):
    documented = BROKERS.read_text(encoding="utf-8").partition("```conf\n# rules")[2].partition("```")[0]
    (tmp_path / "rules").write_text("# rules" + documented)
    mutual = f"require_certificate true\nuse_identity_as_username true\nacl_file {tmp_path / 'rules'}\n"
    broker = await asyncio.to_thread(start_broker, certificates.listener() + mutual)
    cert_file, key_file = certificates.issue("lenshub")
    hub.configure(
        "",
        f'broker = "mqtts://127.0.0.1:{broker.port}"\nca_file = "{certificates.ca_file}"\n'
        f'cert_file = "{cert_file}"\nkey_file = "{key_file}"',
    )
    await asyncio.to_thread(hub.start)
    device = Tls(certificates.ca_file, None, *certificates.issue("porch"))

    await send("porch", Broker(broker.host, broker.port, tls=device))

    assert hub.count() == 3


async def test_hub_says_in_words_why_it_is_not_let_in(hub, start_broker, certificates, wait_until):
    broker = await asyncio.to_thread(start_broker, certificates.listener() + "require_certificate true\n")
    hub.configure("", f'broker = "mqtts://127.0.0.1:{broker.port}"\nca_file = "{certificates.ca_file}"')
    await asyncio.to_thread(hub.start, "mqtt.lost")

    assert "set mqtt.cert_file and key_file" in hub.log()

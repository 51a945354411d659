"""What a check says of the way to the broker; nothing of it is said in MQTT."""

from __future__ import annotations

import pytest

from edge.check.network import check_network
from edge.link import Broker
from hub.wire.tls import Tls


async def test_network_is_right_when_the_broker_shows_a_known_certificate(certificates, start_broker):
    broker = start_broker(certificates.listener())
    found = await check_network(Broker(broker.host, broker.port, tls=Tls(certificates.ca_file)))

    assert (found.state, "answers in TLS" in found.text) == ("ok", True)


async def test_network_is_right_without_tls(broker):
    assert (await check_network(Broker(broker.host, broker.port))).state == "ok"


@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
async def test_network_says_that_the_broker_wants_a_certificate(
    certificates, start_broker, version, monkeypatch
):
    monkeypatch.setattr("edge.check.network.REFUSAL_S", 30)
    broker = start_broker(certificates.listener() + f"require_certificate true\ntls_version {version}\n")
    found = await check_network(Broker(broker.host, broker.port, tls=Tls(certificates.ca_file)))

    assert (found.state, "set broker.cert_file and key_file" in found.text) == ("wrong", True)


async def test_network_says_that_the_authority_is_unknown(certificates, start_broker):
    broker = start_broker(certificates.listener())
    found = await check_network(Broker(broker.host, broker.port, tls=Tls()))

    assert (found.state, "set broker.ca_file" in found.text) == ("wrong", True)


async def test_network_says_that_nobody_listens(free_port):
    found = await check_network(Broker("127.0.0.1", free_port))

    assert (found.state, "nobody listens" in found.text) == ("wrong", True)


async def test_network_says_that_the_port_speaks_no_tls(broker, certificates):
    found = await check_network(Broker(broker.host, broker.port, tls=Tls(certificates.ca_file)))

    assert (found.state, "speak TLS" in found.text) == ("wrong", True)

"""The link over TLS: with a certificate for a name, through a port that wants ALPN, and its words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.link import Broker, Link
from edge.spool import Spool
from hub.wire.tls import Tls

LINE = b'{"device":"cam-1"}'
RULES = """\
topic readwrite #
pattern write lenshub/v1/%u/hello
pattern write lenshub/v1/%u/events/#
pattern write lenshub/v1/%u/gap
pattern write lenshub/v1/%u/status
pattern read lenshub/v1/%u/ack
"""
AWS_ALPN = "x-amzn-mqtt-ca"


@pytest.fixture
def tls_port(find_free_port):
    return find_free_port()


@pytest.fixture
def broker(start_broker, certificates, tls_port, tmp_path):
    """Mosquitto as a broker of certificates: the common name is the user; the hub's port is without TLS."""
    (tmp_path / "rules").write_text(RULES)
    second = f"listener {tls_port} 127.0.0.1\n{certificates.listener()}"
    return start_broker(
        f"{second}require_certificate true\nuse_identity_as_username true\nacl_file {tmp_path / 'rules'}\n"
    )


@pytest.fixture
def device(certificates):
    """The TLS of a device with a certificate for its name."""
    return Tls(certificates.ca_file, None, *certificates.issue("cam-1"))


async def _copy(reader, writer):
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def alpn_proxy(certificates, broker) -> AsyncIterator[int]:
    """Stands in for AWS IoT Core's port 443: mutual TLS, and only for those who ask for its protocol."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.issue("proxy", "127.0.0.1"))
    context.load_verify_locations(certificates.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols([AWS_ALPN])

    async def serve(reader, writer):
        if writer.get_extra_info("ssl_object").selected_alpn_protocol() != AWS_ALPN:
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection(broker.host, broker.port)
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()  # not waited for: the link is still connected through it


async def drain(spool, broker, in_background):
    link = Link(spool, "cam-1", broker)
    in_background(link.run())
    async with asyncio.timeout(60):
        await link.drained()


@pytest.fixture
def spool(tmp_path):
    with Spool.open(tmp_path / "spool.db") as opened:
        opened.append_many([(LINE, None), (LINE, b"p" * 100_000), (LINE, None)])
        yield opened


async def test_link_sends_all_when_the_broker_knows_it_by_its_certificate(
    spool, small_hub, tls_port, device, in_background
):
    await drain(spool, Broker("127.0.0.1", tls_port, tls=device), in_background)

    assert [seq for _, seq in small_hub.numbers] == [1, 2, 3]
    assert small_hub.statuses[0]["state"] == "online"


async def test_link_is_refused_what_is_another_devices_when_its_certificate_says_so(
    spool, small_hub, tls_port, certificates, in_background, wait_until, caplog
):
    other = Tls(certificates.ca_file, None, *certificates.issue("cam-2"))
    in_background(Link(spool, "cam-1", Broker("127.0.0.1", tls_port, tls=other)).run())

    await wait_until(lambda: "Not authorized" in caplog.text or "connection lost" in caplog.text, 60)
    assert small_hub.topics == set()


async def test_link_sends_all_through_a_port_that_wants_its_protocol_named(
    spool, small_hub, broker, certificates, device, in_background
):
    async with alpn_proxy(certificates, broker) as port:
        tls = Tls(device.ca_file, None, device.cert_file, device.key_file, AWS_ALPN)
        await drain(spool, Broker("127.0.0.1", port, tls=tls), in_background)

        assert [seq for _, seq in small_hub.numbers] == [1, 2, 3]


async def test_link_says_why_it_cannot_connect_and_sends_all_once_it_can(
    spool, small_hub, tls_port, device, in_background, wait_until, caplog, tmp_path
):
    caplog.set_level(logging.INFO, "edge.link")
    current = tmp_path / "current.pem"
    current.symlink_to(tmp_path / "none")
    tls = Tls(device.ca_file, None, current, device.key_file)
    in_background(Link(spool, "cam-1", Broker("127.0.0.1", tls_port, tls=tls)).run())
    await wait_until(lambda: "broker.cert_file: " in caplog.text)

    current.unlink()
    current.symlink_to(device.cert_file)

    await wait_until(lambda: len(small_hub.records) == 3, 60)
    assert caplog.text.count("current.pem cannot be read: No such file or directory") == 1


async def test_link_names_the_missing_certificate_in_its_log(
    spool, small_hub, tls_port, certificates, in_background, wait_until, caplog
):
    broker = Broker("127.0.0.1", tls_port, tls=Tls(certificates.ca_file))
    in_background(Link(spool, "cam-1", broker).run())

    await wait_until(lambda: "set broker.cert_file and key_file" in caplog.text)

"""Why a broker could not be connected to, in words, against real brokers and sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import aiomqtt
import pytest
import trustme

from hub.wire.connect_error import ConnectError
from hub.wire.connection import Connection
from hub.wire.tls import Tls

NOW = datetime.now(UTC)


async def fail(host, port, tls=None, **options):
    """Return the error of connecting."""
    with pytest.raises(ConnectError) as caught:
        async with Connection(host, port, client_id="porch", tls=tls, timeout_s=60, **options):
            pass
    assert isinstance(caught.value, aiomqtt.MqttError)
    return caught.value


async def connects(broker, tls, **options):
    async with Connection(broker.host, broker.port, client_id="porch", tls=tls, **options) as connection:
        await connection.publish("t", b"x" * 300_000)
    return True


@contextmanager
def serving(answer):
    """A server that treats each connection as `answer` says, in a thread; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    answer(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("version5", [False, True])
async def test_connection_speaks_tls_when_the_authority_is_known(certificates, start_broker, version5):
    broker = start_broker(certificates.listener())

    assert await connects(broker, Tls(certificates.ca_file), version5=version5)


async def test_connection_shows_its_certificate_when_the_broker_wants_one(certificates, start_broker):
    broker = start_broker(certificates.listener() + "require_certificate true\n")

    assert await connects(broker, Tls(certificates.ca_file, None, *certificates.issue("porch")))


async def test_error_says_that_the_authority_is_unknown(certificates, start_broker):
    broker = start_broker(certificates.listener())
    error = await fail(broker.host, broker.port, Tls())

    assert error.kind == "untrusted"
    assert "set broker.ca_file" in str(error)


async def test_error_says_that_the_certificate_is_for_another_name(certificates, start_broker):
    broker = start_broker(certificates.listener("hub.local"))
    error = await fail(broker.host, broker.port, Tls(certificates.ca_file))

    assert error.kind == "other_name"
    assert "is for another name: " in str(error)


async def test_error_says_that_the_brokers_certificate_has_expired(certificates, start_broker):
    dates = {"not_before": NOW - timedelta(9), "not_after": NOW - timedelta(2)}
    broker = start_broker(certificates.listener(**dates))
    error = await fail(broker.host, broker.port, Tls(certificates.ca_file))

    assert error.kind == "dates"
    assert "certificate has expired (by the clock here it is" in str(error)


@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
async def test_error_says_that_the_broker_wants_a_certificate(certificates, start_broker, version):
    broker = start_broker(certificates.listener() + f"require_certificate true\ntls_version {version}\n")
    error = await fail(broker.host, broker.port, Tls(certificates.ca_file))

    assert error.kind in ("no_certificate", "silence")  # the broker's reset may overtake its reason
    assert "certificate" in str(error)
    assert "set broker.cert_file and key_file" in str(error)


async def test_error_says_that_our_certificate_has_expired(certificates, start_broker):
    broker = start_broker(certificates.listener() + "require_certificate true\n")
    old = certificates.issue("porch", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))
    error = await fail(broker.host, broker.port, Tls(certificates.ca_file, None, *old))

    assert error.kind in ("certificate_refused", "silence")
    assert "our certificate" in str(error)


async def test_error_says_that_our_certificate_is_of_a_foreign_authority(
    certificates, start_broker, tmp_path
):
    broker = start_broker(certificates.listener() + "require_certificate true\n")
    made = trustme.CA().issue_cert("porch")
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    tls = Tls(certificates.ca_file, None, tmp_path / "both.pem", tmp_path / "both.pem")
    error = await fail(broker.host, broker.port, tls)

    assert error.kind in ("certificate_refused", "silence")
    assert "our certificate" in str(error)


async def test_error_says_that_the_port_speaks_no_tls(broker, certificates):
    error = await fail(broker.host, broker.port, Tls(certificates.ca_file))

    assert error.kind in ("silence", "no_tls")
    assert "speak TLS" in str(error)


async def test_error_says_that_the_port_may_want_tls(certificates, start_broker):
    broker = start_broker(certificates.listener())
    error = await fail(broker.host, broker.port)

    assert error.kind == "silence"
    assert "begins with mqtts://" in str(error)


async def test_error_says_that_a_web_server_speaks_no_tls(certificates):
    with serving(lambda client: client.recv(10) and client.sendall(b"HTTP/1.0 400 Bad\r\n\r\n")) as port:
        error = await fail("127.0.0.1", port, Tls(certificates.ca_file))

    assert (error.kind, "does not speak TLS" in str(error)) == ("no_tls", True)


async def test_error_says_that_the_protocol_is_not_served(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.issue("server", "127.0.0.1"))
    context.set_alpn_protocols(["x-amzn-mqtt-ca"])

    def answer(client):
        try:
            context.wrap_socket(client, server_side=True).close()
        except (ssl.SSLError, ConnectionError):
            client.close()

    with serving(answer) as port:
        wrong = await fail("127.0.0.1", port, Tls(certificates.ca_file, alpn="mqtt"))

    assert wrong.kind in ("alpn", "silence")


async def test_error_says_that_the_broker_says_nothing():
    released = threading.Event()
    with serving(lambda client: released.wait(30)) as port:
        try:
            connection = Connection("127.0.0.1", port, client_id="porch", timeout_s=60)
            connection._client.timeout = 0.5  # for the answer; the connection itself may take longer
            with pytest.raises(ConnectError, match="takes the connection and says nothing") as caught:
                await connection.__aenter__()
        finally:
            released.set()

    assert caught.value.kind == "silence"


async def test_error_says_that_nobody_listens(free_port):
    error = await fail("127.0.0.1", free_port)

    assert (error.kind, f"nobody listens on 127.0.0.1:{free_port}" in str(error)) == ("refused", True)


async def test_error_says_that_the_name_is_not_known():
    error = await fail("no-such-host.invalid", 8883, Tls())

    assert (error.kind, "the name no-such-host.invalid is not known" in str(error)) == ("name", True)


@pytest.mark.parametrize("version5", [False, True])
async def test_error_says_that_the_password_is_wrong(start_broker, tmp_path, version5):
    (tmp_path / "passwords").write_text("")
    broker = start_broker(f"password_file {tmp_path / 'passwords'}\n")
    error = await fail(broker.host, broker.port, username="porch", password="wrong", version5=version5)

    assert error.kind == "credentials"
    assert "refuses the user 'porch'" in str(error)
    assert "wrong" not in str(error)


async def test_error_says_what_is_wrong_with_files(certificates, free_port):
    cert_file, key_file = certificates.issue("porch")
    key_file.unlink()
    error = await fail("127.0.0.1", free_port, Tls(None, None, cert_file, key_file))

    assert (error.kind, "porch.key cannot be read" in str(error)) == ("files", True)


async def test_connection_lets_go_of_its_socket_when_connecting_is_cancelled(wait_until):
    released, hung_up = threading.Event(), threading.Event()

    def answer(client):
        client.settimeout(30)
        while client.recv(1000):
            released.set()
        hung_up.set()

    with serving(answer) as port:
        connection = Connection("127.0.0.1", port, client_id="porch", timeout_s=60)
        entering = asyncio.create_task(connection.__aenter__())
        await wait_until(released.is_set)
        entering.cancel()
        await asyncio.wait([entering])

        assert entering.cancelled()
        await wait_until(hung_up.is_set)


async def test_error_guesses_the_protocol_of_port_443():
    from hub.wire.connect_error import Attempt, explain_silence

    text = str(explain_silence(Attempt("x.amazonaws.com", 443, Tls(), None), "hangs up"))
    assert 'port 443 may want broker.alpn, at AWS IoT "x-amzn-mqtt-ca"' in text

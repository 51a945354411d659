"""Can the broker be reached? As far as TLS, and not further, so that a running agent is left alone."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from edge.check.finding import Finding
from hub.wire.connect_error import Attempt, HandshakeLostError, explain
from hub.wire.tls import make_context

if TYPE_CHECKING:
    from edge.link import Broker

PART = "broker"
CONNECT_S = 10.0
REFUSAL_S = 2.0  # a broker of TLS 1.3 says only after the handshake that it does not like our certificate


async def check_network(broker: Broker) -> Finding:
    """Return whether name, port, TLS and certificates are right; nothing is said in MQTT."""
    attempt = Attempt(broker.host, broker.port, broker.tls, broker.username)
    context = await asyncio.to_thread(make_context, broker.tls) if broker.tls else None
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await _open(broker, context)
        try:
            await _await_refusal(reader)
        finally:
            writer.close()
    except OSError as error:
        return Finding(part=PART, state="wrong", text=str(explain(attempt, error)))
    how = "answers in TLS" if context else "answers"
    return Finding(part=PART, state="ok", text=f"{attempt.where} {how}")


async def _open(
    broker: Broker, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(broker.host, broker.port, ssl=context)
    except ConnectionResetError as error:
        raise HandshakeLostError(str(error)) if context else error from error


async def _await_refusal(reader: asyncio.StreamReader) -> None:
    """Wait a moment for a broker that hangs up; one that is content waits for us to speak."""
    try:
        async with asyncio.timeout(REFUSAL_S):
            if not await reader.read(1):
                raise ConnectionResetError
    except TimeoutError:
        return

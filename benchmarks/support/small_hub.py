"""The least that a hub must do for an agent to go on sending: answer its questions and acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.wire.connection import Connection
from hub.wire.protocol import UPWARD_FILTERS, Ack, Hello, ack_topic, parse_position, parse_upward


@asynccontextmanager
async def answering(port: int) -> AsyncIterator[list[int]]:
    """Acknowledge what agents send to the broker at `port`; gives a list with the count of records."""
    received = [0]
    async with Connection("127.0.0.1", port, client_id="hub") as connection:
        await connection.subscribe(UPWARD_FILTERS)
        task = asyncio.create_task(_answer(connection, received))
        try:
            yield received
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _answer(connection: Connection, received: list[int]) -> None:
    stands: dict[str, int] = {}
    while True:
        burst = await connection.receive()
        moved: dict[str, str] = {}
        for message in burst:
            if position := parse_position(message.topic):
                stands[position.epoch] = position.seq
                moved[position.epoch] = position.device
                received[0] += 1
            elif (parsed := parse_upward(message.topic)) and parsed[1] == "hello":
                hello = Hello.model_validate_json(message.payload)
                ack = Ack(epoch=hello.epoch, seq=stands.get(hello.epoch, 0), hello=hello.nonce)
                connection.publish_soon(ack_topic(parsed[0]), ack.model_dump_json().encode())
        connection.acknowledge(burst)
        for epoch, device in moved.items():
            ack = Ack(epoch=epoch, seq=stands[epoch])
            connection.publish_soon(ack_topic(device), ack.model_dump_json().encode())

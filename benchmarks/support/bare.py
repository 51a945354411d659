"""What the hub is compared with, as a process of its own: aiomqtt's plain loop, which stores nothing.

Usage: python bare.py PORT open|N. `open` makes the persistent session, N takes that many messages from it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiomqtt

FILTER = "lenshub/v1/+/events/+/+"


def connect(port: int) -> aiomqtt.Client:
    """Return aiomqtt's client with its defaults, MQTT 3.1.1, and a session that outlives the connection."""
    return aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier="bare",
        clean_session=False,
        protocol=aiomqtt.ProtocolVersion.V311,
    )


async def open_session(port: int) -> None:
    """Subscribe, so that the broker queues from now on."""
    async with connect(port) as client:
        await client.subscribe(FILTER, qos=1)


async def take(port: int, messages: int) -> dict[str, float]:
    """Receive that many messages; return the seconds, and CPU seconds, from the first to the last."""
    count, begin, cpu_before_s = 0, 0.0, 0.0
    async with connect(port) as client:
        async for _message in client.messages:
            if count == 0:
                begin, cpu_before_s = time.perf_counter(), time.process_time()
            count += 1
            if count == messages:
                break
        return {"seconds": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu_before_s}


if __name__ == "__main__":
    broker_port, what = int(sys.argv[1]), sys.argv[2]
    if what == "open":
        asyncio.run(open_session(broker_port))
    else:
        print(json.dumps(asyncio.run(take(broker_port, int(what)))))

"""The shared fixtures keep what they promise."""

from __future__ import annotations

import socket

import aiomqtt
import pytest


def test_broker_accepts_again_on_its_port_after_a_kill(broker):
    broker.kill()
    broker.start()

    socket.create_connection((broker.host, broker.port), timeout=1).close()


async def test_broker_passes_a_message_on(broker):
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("a")
        await client.publish("a", b"x", qos=1)
        received = await anext(aiter(client.messages))

    assert received.payload == b"x"


async def test_wait_until_fails_when_its_time_is_up(wait_until):
    with pytest.raises(TimeoutError):
        await wait_until(lambda: False, timeout_s=0.05)


@pytest.mark.parametrize(("ci", "ending"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_require_program_skips_without_a_program_and_fails_in_ci(ci, ending, monkeypatch, require_program):
    monkeypatch.setenv("CI", ci)

    with pytest.raises(ending, match="no-such-program is not installed"):
        require_program("no-such-program")

"""Alerts to an MQTT topic of a real broker."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

from hub.wire.connection import Connection, Received


class Listener:
    """Hears a topic and what is below it."""

    def __init__(self, port: int) -> None:
        self._connection = Connection("127.0.0.1", port, client_id="listener")
        self.heard: list[Received] = []

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        await self._connection.subscribe(["alerts/#"])
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._connection.__aexit__(None, None, None)

    async def wait(self, number: int) -> list[Received]:
        async with asyncio.timeout(60):
            while len(self.heard) < number:
                self.heard += await self._connection.receive()
        return self.heard


def table(port: int, **more: Any) -> dict[str, Any]:
    return {"mqtt": [{"broker": f"mqtt://127.0.0.1:{port}", "topic": "alerts/door", **more}], "cooldown_s": 0}


async def test_mqtt_topic_gets_the_alert_and_its_picture(hub: Any, broker: Any, picture: bytes) -> None:
    async with (
        Listener(broker.port) as listener,
        hub.running("threshold-alerts", **table(broker.port)) as alerts,
    ):
        verdict = await hub.deliver(alerts, await hub.store(picture))
        heard = {message.topic: message.payload for message in await listener.wait(2)}
    assert verdict.note == "alerted: log, 1 target"
    assert heard["alerts/door/picture"] == picture
    said = json.loads(heard["alerts/door"])
    assert (said["title"], said["label"], "picture" in said) == ("thumbs-up on Seattle01", "thumbs-up", False)


async def test_mqtt_alert_is_tried_again_with_the_same_id_when_the_broker_was_away(
    hub: Any, broker: Any
) -> None:
    first, second = await hub.store(), await hub.store()
    async with hub.running("threshold-alerts", **table(broker.port)) as alerts:
        assert (await hub.deliver(alerts, first)).outcome == "done"
        broker.kill()
        lost = await hub.deliver(alerts, second)
        broker.start()
        async with Listener(broker.port) as listener:
            found = await hub.deliver(alerts, second, attempt=2)
            (message,) = await listener.wait(1)
    assert (lost.outcome, found.outcome) == ("retrying", "done")
    assert "MQTT alerts/door: " in lost.reason
    assert json.loads(message.payload)["alert"] == "2"


async def test_mqtt_alerts_at_the_same_time_share_one_connection(hub: Any, broker: Any) -> None:
    events = [await hub.store() for _ in range(20)]
    settings = {**table(broker.port, mqtt5=False), "log": False}
    async with Listener(broker.port) as listener, hub.running("threshold-alerts", **settings) as alerts:
        verdicts = await asyncio.gather(*(hub.deliver(alerts, event) for event in events))
        heard = await listener.wait(20)
    assert {verdict.outcome for verdict in verdicts} == {"done"}
    assert sorted(int(json.loads(message.payload)["alert"]) for message in heard) == list(range(1, 21))


async def test_mqtt_alert_that_the_broker_refuses_says_so(hub: Any, start_broker: Any, tmp_path: Any) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic read alerts/#\n")
    rules.chmod(0o600)
    running = start_broker(f"acl_file {rules}\n")
    async with hub.running("threshold-alerts", **table(running.port)) as alerts:
        verdict = await hub.deliver(alerts, await hub.store())
    assert verdict.outcome == "retrying"
    assert "MQTT alerts/door: the broker refused it: Not authorized" in verdict.reason

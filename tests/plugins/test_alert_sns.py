"""Alerts to a topic of SNS, against a local server that speaks its protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from hub.event import Detection

TOPIC = "arn:aws:sns:us-west-2:123456789012:"


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a local SNS, with credentials for it in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def make_topic(address: str, name: str) -> str:
    """Make a topic that a queue gets, and return the queue's address."""
    fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    queue_fifo = {"FifoQueue": "true"} if fifo else {}
    async with client("sns", address) as topics, client("sqs", address) as queues:
        made = await topics.create_topic(Name=name, Attributes=fifo)
        queue = await queues.create_queue(QueueName=name, Attributes=queue_fifo)
        arn = f"arn:aws:sqs:us-west-2:123456789012:{name}"
        await topics.subscribe(TopicArn=made["TopicArn"], Protocol="sqs", Endpoint=arn)
        return str(queue["QueueUrl"])


def client(service: str, address: str) -> Any:
    from aiobotocore.session import AioSession

    return AioSession().create_client(service, region_name="us-west-2", endpoint_url=address)


async def received(address: str, queue: str) -> list[dict[str, Any]]:
    async with client("sqs", address) as queues:
        answer = await queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def table(address: str, name: str) -> dict[str, Any]:
    return {"sns": [{"topic_arn": TOPIC + name, "endpoint_url": address}]}


@pytest.mark.parametrize("name", ["door", "door.fifo"])
async def test_sns_topic_gets_title_body_and_json(hub: Any, sns: str, name: str, picture: bytes) -> None:
    queue = await make_topic(sns, name)
    event = await hub.store(picture, detections=(Detection(label="あ\u202e", confidence=0.9),))
    async with hub.running("threshold-alerts", **table(sns, name)) as alerts:
        verdict = await hub.deliver(alerts, event)
    assert verdict.note == "alerted: log, 1 target"
    (message,) = await received(sns, queue)
    assert message["Subject"] == "? on Seattle01"
    assert message["Message"].startswith("あ at 2018-08-16")
    said = json.loads(message["MessageAttributes"]["lenshub"]["Value"])
    assert (said["label"], said["alert"], "picture" in said) == ("あ\u202e", "1", False)


async def test_sns_topic_that_is_not_there_says_what_to_do(hub: Any, sns: str) -> None:
    async with hub.running("threshold-alerts", **table(sns, "nowhere")) as alerts:
        verdict = await hub.deliver(alerts, await hub.store())
    assert verdict.outcome == "retrying"
    assert "SNS nowhere: NotFound (make the topic, or correct `topic_arn`)" in verdict.reason


async def test_sns_that_cannot_be_reached_is_tried_again(hub: Any, sns: str, free_port: int) -> None:
    address = f"http://127.0.0.1:{free_port}"
    async with hub.running("threshold-alerts", **table(address, "door")) as alerts:
        verdict = await hub.deliver(alerts, await hub.store())
    assert (verdict.outcome, "SNS door cannot be reached" in verdict.reason) == ("retrying", True)


@pytest.mark.parametrize(("name", "outcome"), [("door", "unknown"), ("door.fifo", "retrying")])
async def test_sns_that_does_not_answer_is_asked_again_only_where_it_knows_repeats(
    hub: Any, sns: str, name: str, outcome: str
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, hub.running("threshold-alerts", **table(address, name)) as alerts:
        verdict = await hub.deliver(alerts, await hub.store())
    assert (verdict.outcome, f"SNS {name} did not answer" in verdict.reason) == (outcome, True)

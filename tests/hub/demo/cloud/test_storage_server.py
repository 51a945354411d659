"""The local S3 and SQS as Amazon's own client sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError

from hub.demo.cloud.storage_server import StorageServer


@pytest.fixture
async def server() -> AsyncIterator[StorageServer]:
    async with StorageServer(most_receives=2) as running:
        running.queue("photos")
        yield running


@pytest.fixture
async def clients(server: StorageServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Any, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    config = AioConfig(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    async with AsyncExitStack() as stack:
        s3, sqs = [
            await stack.enter_async_context(
                AioSession().create_client(
                    service, region_name="us-east-1", endpoint_url=server.url, config=config
                )
            )
            for service in ("s3", "sqs")
        ]
        yield s3, sqs


@pytest.fixture
def s3(clients: tuple[Any, Any]) -> Any:
    return clients[0]


@pytest.fixture
def sqs(clients: tuple[Any, Any]) -> Any:
    return clients[1]


async def receive(sqs: Any, server: StorageServer, hidden_s: int = 60) -> list[Any]:
    url = server.queue_url("photos")
    options = {"MaxNumberOfMessages": 10, "VisibilityTimeout": hidden_s, "WaitTimeSeconds": 0}
    found = await sqs.receive_message(QueueUrl=url, **options)
    return list(found.get("Messages", ()))


async def test_server_gives_an_object_that_is_there(server: StorageServer, s3: Any) -> None:
    server.objects["photos/street/sign 1.jpg"] = b"picture"
    found = await s3.get_object(Bucket="photos", Key="street/sign 1.jpg")
    assert await found["Body"].read() == b"picture"


async def test_server_says_no_such_key_of_an_object_that_is_not(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        await s3.get_object(Bucket="photos", Key="gone.jpg")


async def test_server_hides_a_message_that_was_received(server: StorageServer, sqs: Any) -> None:
    server.queue("photos").send("hello")
    [message] = await receive(sqs, server)
    assert message["Body"] == "hello"
    assert await receive(sqs, server) == []


async def test_server_forgets_a_message_that_was_deleted(server: StorageServer, sqs: Any) -> None:
    server.queue("photos").send("hello")
    [message] = await receive(sqs, server)
    entries = [{"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}]
    await sqs.delete_message_batch(QueueUrl=server.queue_url("photos"), Entries=entries)
    assert len(server.queue("photos")) == 0


async def test_server_gives_a_message_again_when_it_is_shown_again(server: StorageServer, sqs: Any) -> None:
    server.queue("photos").send("hello")
    [message] = await receive(sqs, server)
    entries = [{"Id": "0", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}]
    await sqs.change_message_visibility_batch(QueueUrl=server.queue_url("photos"), Entries=entries)
    [again] = await receive(sqs, server)
    assert again["Body"] == "hello"


async def test_server_puts_a_message_aside_when_it_came_too_often(server: StorageServer, sqs: Any) -> None:
    server.queue("photos").send("poison")
    assert len(await receive(sqs, server, 0)) == 1
    assert len(await receive(sqs, server, 0)) == 1
    assert await receive(sqs, server, 0) == []
    assert server.queue("photos").dead == ["poison"]


async def test_server_counts_what_waits(server: StorageServer, sqs: Any) -> None:
    for number in range(3):
        server.queue("photos").send(str(number))
    names = ["ApproximateNumberOfMessages"]
    found = await sqs.get_queue_attributes(QueueUrl=server.queue_url("photos"), AttributeNames=names)
    assert found["Attributes"]["ApproximateNumberOfMessages"] == "3"

"""Clients for services of AWS leave nothing behind a request."""

from __future__ import annotations

import gc

import pytest
from botocore.parsers import ResponseParser

from hub.aws import Access, make_client
from hub.demo.cloud.account import ENVIRONMENT
from hub.demo.cloud.storage_server import StorageServer


@pytest.mark.parametrize(
    ("service", "ask", "arguments"),
    [
        ("s3", "get_object", {"Bucket": "photos", "Key": "one.jpg"}),
        ("sqs", "get_queue_attributes", {"QueueUrl": "photos", "AttributeNames": ["All"]}),
    ],
)
async def test_request_leaves_nothing_for_the_garbage_collector(monkeypatch, service, ask, arguments):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    async with StorageServer() as server:
        server.objects["photos/one.jpg"] = b"a picture"
        server.queue("photos")
        if service == "sqs":
            arguments = arguments | {"QueueUrl": server.queue_url("photos")}
        async with make_client(Access(server.url, "eu-west-1"), service) as client:

            async def request():
                answer = await getattr(client, ask)(**arguments)
                if "Body" in answer:
                    assert await answer["Body"].read() == b"a picture"

            await request()
            gc.collect()
            gc.disable()
            try:
                before = count_parsers()
                for _ in range(5):
                    await request()
                assert count_parsers() <= before
            finally:
                gc.enable()


def count_parsers():
    # By type(): isinstance asks the object too, and a weak proxy whose object is gone raises then.
    return sum(issubclass(type(one), ResponseParser) for one in gc.get_objects())

"""Pictures in S3 that SQS tells of, on a local server of both."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import AsyncExitStack
from urllib.parse import quote_plus

import pytest
from aiobotocore.session import get_session
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer

from hub.images import queue
from hub.plugin import RetryLater


@pytest.fixture(scope="module")
def server():
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


class Cloud:
    """A bucket and a queue of one test."""

    def __init__(self, s3, sqs, bucket, url, server):
        self.s3, self.sqs, self.bucket, self.url = s3, sqs, bucket, url
        self.images = {"sqs": url, "endpoint_url": server, "region": "us-east-1"}
        self.sent = 0

    async def put(self, key, data, **more):
        await self.s3.put_object(Bucket=self.bucket, Key=key, Body=data, **more)

    def record(self, key, sequencer="0A"):
        found = {"key": quote_plus(key), "eTag": "e", "sequencer": sequencer}
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-21T18:31:00Z",
            "s3": {"bucket": {"name": self.bucket}, "object": found},
        }

    async def tell(self, *bodies):
        """Send messages: keys of objects, or what else there is."""
        texts = [
            b if isinstance(b, str) else json.dumps({"Records": [self.record(k) for k in b]}) for b in bodies
        ]
        for start in range(0, len(texts), 10):
            entries = [
                {"Id": str(n), "MessageBody": text} for n, text in enumerate(texts[start : start + 10])
            ]
            await self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    async def left(self):
        """Return how many messages the queue has, whether anybody sees them or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = await self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def hidden_until(self):
        """Return when others see the queue's only message again, by the server's clock."""
        (message,) = get_backend("sqs")[DEFAULT_ACCOUNT_ID]["us-east-1"].queues[self.bucket]._messages
        return message.visible_at


@pytest.fixture
async def cloud(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(queue, "WAIT_S", 1)
    monkeypatch.setattr(queue, "GOODBYE_S", 60)
    name = f"photos-{uuid.uuid4()}"
    async with AsyncExitStack() as stack:
        s3, sqs = [
            await stack.enter_async_context(
                get_session().create_client(service, endpoint_url=server, region_name="us-east-1")
            )
            for service in ("s3", "sqs")
        ]
        await s3.create_bucket(Bucket=name)
        url = (await sqs.create_queue(QueueName=name))["QueueUrl"]
        yield Cloud(s3, sqs, name, url, server)


async def test_notified_pictures_become_events_once_each(running, cloud, picture, wait_until):
    count = 60
    keys = [f"porch/a b+{number}é.png" for number in range(count)]
    for number, key in enumerate(keys):
        await cloud.put(key, picture(number))
    await cloud.put("page.jpg", b"<html>")
    poison = ["no JSON", "{}", json.dumps({"Records": [cloud.record("gone.png")]})]
    test = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    bridge = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": cloud.bucket}, "object": {"key": keys[0], "sequencer": "0A"}},
    }
    told = [[key] for key in keys[10:]] + [keys[:10]] + [[key] for key in keys[::3]] + [["page.jpg"]]
    await cloud.tell(test, *told, *poison, json.dumps(bridge))
    async with running(**cloud.images, device="hall", device_part=1) as gallery:
        await wait_until(lambda: len(gallery.events()) == count and len(gallery.refused()) == 4)

        async def deleted():
            return await cloud.left() == 0

        await wait_until(deleted)

    assert len(gallery.plugin.seen) == count
    assert {device for _, device in gallery.events()} == {"porch"}
    assert (f"s3:{cloud.bucket}/{keys[5]}@0A:gallery", "porch") in gallery.events()
    assert sorted(code for code, _ in gallery.refused()) == [
        *["bad_notification"] * 2,
        "image_gone",
        "picture_not_jpeg",
    ]


async def test_message_stays_while_its_picture_is_not_stored(running, cloud, picture, wait_until):
    async def behave(image, calls):
        raise RetryLater(3600, "the budget of today")

    await cloud.put("a.png", picture())
    await cloud.tell(["a.png"])
    async with running(behave, **cloud.images) as gallery:
        await wait_until(lambda: "the budget of today" in gallery.said())
    assert await cloud.left() == 1

    async with running(**cloud.images) as gallery:  # the message was given back at once
        await wait_until(gallery.events)


async def test_message_is_kept_from_others_as_long_as_it_is_looked_at(
    running, cloud, picture, wait_until, monkeypatch
):
    monkeypatch.setattr(queue, "BEAT_S", 0.1)
    go = asyncio.Event()

    async def behave(image, calls):
        await go.wait()
        return {}

    await cloud.put("a.png", picture())
    await cloud.tell(["a.png"])
    async with running(behave, **cloud.images) as gallery:
        await wait_until(lambda: gallery.plugin.seen)
        before = cloud.hidden_until()
        await wait_until(lambda: cloud.hidden_until() > before)
        found = await cloud.sqs.receive_message(QueueUrl=cloud.url, WaitTimeSeconds=0)
        go.set()
        await wait_until(gallery.events)

    assert "Messages" not in found


async def test_poison_is_left_for_the_dead_letter_queue_where_configured(running, cloud, picture, wait_until):
    await cloud.put("a.png", picture())
    await cloud.tell("no JSON", ["gone.png"], ["a.png"])
    async with running(**cloud.images, poison="leave") as gallery:
        await wait_until(gallery.events)

        async def deleted():
            return await cloud.left() == 2

        await wait_until(deleted)

    assert (await cloud.left(), gallery.refused()) == (2, [])


async def test_what_the_archive_writes_is_not_classified(running, cloud, picture, wait_until):
    await cloud.put("archive/a.png", picture(1))
    await cloud.put("b.png", picture(2), Metadata={"lenshub-event": "7"})
    await cloud.tell(["archive/a.png"], ["b.png"])
    async with running(**cloud.images, ignore=["archive/"]) as gallery:

        async def deleted():
            return await cloud.left() == 0

        await wait_until(deleted)

    assert gallery.plugin.seen == gallery.events() == []


async def test_large_object_is_refused_unread(running, cloud, picture, wait_until):
    await cloud.put("a.png", picture() + b"\0" * 5000)
    await cloud.tell(["a.png"])
    async with running(**cloud.images, limits={"max_picture_bytes": 4000}) as gallery:
        await wait_until(gallery.refused)

    assert gallery.refused() == [("picture_too_large", "a.png")]


async def test_queue_that_is_not_there_is_told(running, cloud, store, wait_until):
    images = cloud.images | {"sqs": cloud.url + "-none"}
    async with running(**images):
        said = "SELECT text FROM plugin_parts WHERE part = 'source queue' AND NOT well"
        await wait_until(lambda: store.sql(said))

    assert "NonExistentQueue" in store.sql(said)[0][0]


async def test_object_that_cannot_be_asked_for_is_refused(running, cloud, picture, wait_until):
    await cloud.put("good.png", picture())
    odd = cloud.record("odd.png")
    odd["s3"] = odd["s3"] | {"bucket": {"name": "no bucket!"}}
    await cloud.tell(json.dumps({"Records": [odd]}), json.dumps({"Records": [bad_text(cloud)]}), ["good.png"])
    async with running(**cloud.images) as gallery:
        await wait_until(lambda: len(gallery.refused()) == 2 and gallery.events())

    assert [code for code, _ in gallery.refused()] == ["bad_notification"] * 2


def bad_text(cloud):
    found = cloud.record("a")
    return found | {"s3": found["s3"] | {"object": {"key": "\ud800.png", "sequencer": "1"}}}

"""Stored-video jobs: a notice in SQS becomes an event for each moment; what is no use is quarantined."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession

from hub.demo.cloud.rekognition_jobs import VideoJob
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.loading import Loaded, load_instance
from hub.plugin import PayloadError
from plugins.rekognition_video import read_notice

AT_MS = 1_763_726_400_000
AT = datetime(2025, 11, 21, 12, tzinfo=UTC)
DEADLINE_S = 60
SESSION = AioSession()


def label(at_ms: int, name: str = "Dog") -> dict[str, Any]:
    return {"Timestamp": at_ms, "Label": {"Name": name, "Confidence": 90.0, "Instances": []}}


JOBS = {
    "labels": VideoJob("job-1", "GetLabelDetection", [label(0), label(500), label(500, "Cat"), label(900)]),
    "text": VideoJob(
        "job-2",
        "GetTextDetection",
        [{"Timestamp": 40, "TextDetection": {"DetectedText": "EXIT", "Type": "LINE", "Confidence": 99.0}}],
    ),
    "faces": VideoJob("job-3", "GetFaceDetection", [{"Timestamp": 7, "Face": {"Confidence": 98.0}}]),
    "moderation": VideoJob(
        "job-4",
        "GetContentModeration",
        [{"Timestamp": 0, "ModerationLabel": {"Name": "Violence", "Confidence": 70.0, "TaxonomyLevel": 1}}],
    ),
}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RekognitionServer]:
    async with RekognitionServer() as running:
        for job in JOBS.values():
            running.videos.add(job)
        yield running


class Queue:
    """The queue of notices, as Amazon would fill it."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self.url = url

    async def put(self, body: str) -> None:
        await self._client.send_message(QueueUrl=self.url, MessageBody=body)

    async def waiting(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = await self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)


@pytest.fixture
async def queue(s3: Any, s3_server: str) -> AsyncIterator[Queue]:
    async with SESSION.create_client("sqs", endpoint_url=s3_server, region_name="us-east-1") as client:
        made = await client.create_queue(QueueName="jobs")
        yield Queue(client, made["QueueUrl"])
        await client.delete_queue(QueueUrl=made["QueueUrl"])


@pytest.fixture
def reading(server: RekognitionServer, queue: Queue, s3_server: str, tmp_path: Path) -> Callable[..., Any]:
    """A function that enters the instance's source, as the hub does, and gives (plugin, source)."""

    @asynccontextmanager
    async def enter(**video: Any) -> AsyncIterator[Any]:
        own = {"sqs": queue.url, "sqs_endpoint_url": s3_server, "s3_endpoint_url": s3_server, **video}
        table = {"endpoint_url": server.url, "region": "us-east-1", "video": own}
        loaded = load_instance("rekognition", table, tmp_path)
        assert isinstance(loaded, Loaded), loaded
        async with loaded.plugin as plugin, asyncio.timeout(DEADLINE_S):
            (source,) = plugin.sources()
            async with source:
                yield plugin, source

    return enter


async def take(plugin: Any, source: Any, count: int) -> list[Any]:
    """Read, decode and acknowledge so many messages; a refusal stands for its event."""
    taken: list[Any] = []
    messages = source.messages()
    while len(taken) < count:
        message = await anext(messages)
        try:
            taken += plugin.decode(message).events
        except PayloadError as error:
            taken.append(error)
        await source.acknowledge(message)
    await messages.aclose()
    return taken


def wrap(notice: str) -> str:
    """Return a notice as SNS hands it to SQS."""
    return json.dumps({"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": notice})


@pytest.mark.parametrize("wrapped", [wrap, str])
async def test_each_moment_of_a_job_is_an_event_and_the_notice_is_deleted_after_the_last(
    queue: Queue, reading: Any, wrapped: Callable[[str], str]
) -> None:
    await queue.put(wrapped(JOBS["labels"].notice(AT_MS)))
    async with reading(device="door") as (plugin, source):
        first = await take(plugin, source, 3)
        assert await queue.waiting() == 0

    assert [event.key for event in first] == [f"video:job-1.labels:{at}" for at in (0, 500, 900)]
    assert [sorted(event.labels) for event in first] == [["Dog"], ["Cat", "Dog"], ["Dog"]]
    assert [event.captured_at - AT for event in first] == [timedelta(milliseconds=at) for at in (0, 500, 900)]
    assert first[0].device == "door"
    assert first[0].attributes["video"] == {"bucket": "videos", "key": "door.mp4"}
    assert first[0].model.version == "labels 3.0"


async def test_notice_stays_until_its_last_message_is_acknowledged(queue: Queue, reading: Any) -> None:
    await queue.put(JOBS["labels"].notice(AT_MS))
    async with reading() as (_, source):
        messages = source.messages()
        for _ in range(2):
            await source.acknowledge(await anext(messages))
        assert await queue.waiting() == 1
        await source.acknowledge(await anext(messages))
        assert await queue.waiting() == 0
        await messages.aclose()


async def test_every_kind_of_job_is_read(queue: Queue, reading: Any) -> None:
    for name in ("text", "faces", "moderation"):
        await queue.put(JOBS[name].notice(AT_MS))
    async with reading() as (plugin, source):
        taken = await take(plugin, source, 3)
    assert {label for event in taken for label in event.labels} == {"EXIT", "face", "Violence"}


async def test_pages_are_read_to_the_end_and_a_moment_may_span_two(
    server: RekognitionServer, queue: Queue, reading: Any
) -> None:
    found = [label(at // 2, f"Label {at}") for at in range(2001)]
    server.videos.add(VideoJob("job-9", "GetLabelDetection", found[1:]))
    await queue.put(VideoJob("job-9", "GetLabelDetection", []).notice(AT_MS))
    async with reading() as (plugin, source):
        taken = await take(plugin, source, 1001)
    assert server.calls["GetLabelDetection"] == 2
    assert [len(event.detections) for event in taken] == [1] + [2] * 999 + [1]


async def test_job_that_comes_twice_gives_the_same_bytes(queue: Queue, reading: Any) -> None:
    for _ in range(2):
        await queue.put(JOBS["text"].notice(AT_MS))
    async with reading() as (_, source):
        messages = source.messages()
        assert (await anext(messages)).payload == (await anext(messages)).payload
        await messages.aclose()


async def test_time_of_a_video_is_that_of_its_object(s3: Any, queue: Queue, reading: Any) -> None:
    await s3.put_object(Bucket="archive", Key="door.mp4", Body=b"video")
    stored = (await s3.head_object(Bucket="archive", Key="door.mp4"))["LastModified"]
    notice = json.loads(JOBS["text"].notice(AT_MS))
    notice["Video"] = {"S3Bucket": "archive", "S3ObjectName": "door.mp4"}
    await queue.put(json.dumps(notice))
    async with reading() as (plugin, source):
        (event,) = await take(plugin, source, 1)
    assert event.captured_at == stored + timedelta(milliseconds=40)


async def test_moments_beyond_the_bound_are_left_out(queue: Queue, reading: Any) -> None:
    await queue.put(JOBS["labels"].notice(AT_MS))
    async with reading(max_moments=2) as (plugin, source):
        assert len(await take(plugin, source, 2)) == 2
        assert await queue.waiting() == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("not JSON", "not JSON"),
        ("[]", "not the notice"),
        ("{}", "not the notice"),
        (wrap("hello"), "not JSON"),
        (json.dumps({"JobId": "../a", "Status": "SUCCEEDED", "API": "x", "Timestamp": 1}), "JobId"),
        (VideoJob("j", "GetPersonTracking", []).notice(AT_MS), "a job of StartPersonTracking"),
        (VideoJob("j", "GetTextDetection", [], status="FAILED").notice(AT_MS), "ended with FAILED"),
        (VideoJob("unknown", "GetTextDetection", []).notice(AT_MS), "are gone"),
    ],
)
async def test_notice_that_cannot_be_used_is_quarantined_with_the_reason(
    queue: Queue, reading: Any, body: str, says: str
) -> None:
    await queue.put(body)
    async with reading() as (plugin, source):
        (refused,) = await take(plugin, source, 1)
        assert refused.code == "bad_video"
        assert says in str(refused)
        assert await queue.waiting() == 0


async def test_job_that_is_not_asked_for_is_refused(queue: Queue, reading: Any) -> None:
    await queue.put(JOBS["text"].notice(AT_MS))
    async with reading(operations=["labels"]) as (plugin, source):
        (refused,) = await take(plugin, source, 1)
    assert "taken are labels" in str(refused)


async def test_job_without_detections_is_done_with_at_once(
    server: RekognitionServer, queue: Queue, reading: Any
) -> None:
    await queue.put(server.videos.add(VideoJob("job-0", "GetFaceDetection", [])).notice(AT_MS))
    await queue.put(JOBS["faces"].notice(AT_MS))
    async with reading() as (plugin, source):
        (event,) = await take(plugin, source, 1)
        assert event.key == "video:job-3.faces:7"
        assert await queue.waiting() == 0


@pytest.mark.parametrize("body", ["null", "1", '{"Message": 5}', '{"Message": "null"}', "[" * 5000])
def test_any_body_is_a_notice_or_a_value_error(body: str) -> None:
    with pytest.raises(ValueError, match="notice"):
        read_notice(body)

"""Takes in what stored-video jobs found: a notice in SQS names the job, its pages make a message a moment."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from hub.aws import make_client
from hub.plugin import Message
from plugins.rekognition_asking import READ_S, thin
from plugins.rekognition_event import MAX_VIDEO_MS, VIDEO_TOPIC
from plugins.rekognition_settings import RekognitionSettings, VideoOperation, VideoSettings

WAIT_S = 20
HIDDEN_S = 300
PAGE = 1000
MAX_PAGES = 10_000
MAX_REASON_CHARS = 300
LOST = frozenset({"ResourceNotFoundException", "InvalidParameterException"})
"""What is said of a job that Rekognition does not know, or no longer: results are kept for seven days."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How the results of one kind of job are read: call, list, the member of an item, the version's name."""

    operation: VideoOperation
    call: str
    member: str
    item: str
    put: str
    version: str | None
    sorted_by: dict[str, str]


_BY_TIME = {"SortBy": "TIMESTAMP"}
KINDS = {
    "StartLabelDetection": JobKind(
        "labels", "get_label_detection", "Labels", "Label", "Labels", "LabelModelVersion", _BY_TIME
    ),
    "StartTextDetection": JobKind(
        "text",
        "get_text_detection",
        "TextDetections",
        "TextDetection",
        "TextDetections",
        "TextModelVersion",
        {},
    ),
    "StartFaceDetection": JobKind("faces", "get_face_detection", "Faces", "Face", "FaceDetails", None, {}),
    "StartContentModeration": JobKind(
        "moderation",
        "get_content_moderation",
        "ModerationLabels",
        "ModerationLabel",
        "ModerationLabels",
        "ModerationModelVersion",
        _BY_TIME,
    ),
}


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_pascal)


class _Video(_Shape):
    s3_object_name: Annotated[str, Field(max_length=1024, alias="S3ObjectName")] = ""
    s3_bucket: Annotated[str, Field(max_length=300, alias="S3Bucket")] = ""


class Notice(_Shape):
    """What Rekognition publishes when a job is done; `timestamp` is in milliseconds since 1970."""

    job_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
    status: Literal["SUCCEEDED", "FAILED", "ERROR"]
    api: Annotated[str, Field(alias="API", max_length=60)]
    timestamp: Annotated[int, Field(ge=0, le=253_402_300_799_000)]
    video: _Video = _Video()


def read_notice(body: str) -> Notice:
    """Return the notice that a queue's message holds, published through SNS or raw.

    Raises:
        ValueError: It is none; the text says why.
    """
    try:
        found = json.loads(body)
        if isinstance(found, dict) and isinstance(found.get("Message"), str) and "JobId" not in found:
            found = json.loads(found["Message"])
        return Notice.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"not the notice of a Rekognition job: {place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON; expected the notice of a finished Rekognition job") from error


class FinishedJobs:
    """The queue. A notice is deleted when the last event of its job is committed."""

    name = "video"

    def __init__(self, settings: RekognitionSettings, video: VideoSettings, log: logging.Logger) -> None:
        self._settings = settings
        self._video = video
        self._log = log
        self._stack = AsyncExitStack()
        self._queue: Any = None
        self._rekognition: Any = None
        self._s3: Any = None
        self._last: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        settings, video = self._settings, self._video
        enter = self._stack.enter_async_context
        queue = make_client(settings.access(video.sqs_endpoint_url, 4), "sqs", read_s=WAIT_S + READ_S)
        self._queue = await enter(queue)
        self._rekognition = await enter(
            make_client(settings.access(settings.endpoint_url, 4), "rekognition", read_s=READ_S)
        )
        self._s3 = await enter(make_client(settings.access(video.s3_endpoint_url, 4)))
        self._last = {}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield a message for each moment of each job, and one for each notice that cannot be used."""
        while True:
            answer = await self._queue.receive_message(
                QueueUrl=self._video.sqs,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=WAIT_S,
                VisibilityTimeout=HIDDEN_S,
            )
            for found in answer.get("Messages", ()):
                async for message in self._read(found):
                    yield message

    async def acknowledge(self, message: Message) -> None:
        """Delete the notice whose last message this was."""
        receipt = self._last.pop(message.topic, None)
        if receipt is not None:
            await self._queue.delete_message(QueueUrl=self._video.sqs, ReceiptHandle=receipt)

    async def _read(self, found: dict[str, Any]) -> AsyncIterator[Message]:
        """Yield the messages of one notice; which is the last one is known when it is handed over."""
        receipt, held = str(found["ReceiptHandle"]), None
        async for payload in self._payloads(str(found.get("Body", "")), receipt):
            if held is not None:
                yield held
            topic = f"{VIDEO_TOPIC}{found.get('MessageId', 'unnamed')}"
            held = Message("rekognition", topic, payload, datetime.now(UTC))
        if held is None:
            await self._queue.delete_message(QueueUrl=self._video.sqs, ReceiptHandle=receipt)
            return
        # The same notice may come again before the first is done with: only the last message has this topic.
        last = replace(held, topic=f"{held.topic}/last")
        self._last[last.topic] = receipt
        yield last

    async def _payloads(self, body: str, receipt: str) -> AsyncIterator[bytes]:
        from botocore.exceptions import ClientError

        try:
            notice = read_notice(body)
        except ValueError as error:
            yield _refuse(str(error), body)
            return
        kind = KINDS.get(notice.api)
        if kind is None or kind.operation not in self._video.operations:
            yield _refuse(f"a job of {notice.api}; taken are {', '.join(self._video.operations)}", body)
        elif notice.status != "SUCCEEDED":
            yield _refuse(f"the job of {notice.api} ended with {notice.status}", body)
        else:
            try:
                async for payload in self._moments(notice, kind, receipt):
                    yield payload
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in LOST:
                    raise
                yield _refuse(f"the results of job {notice.job_id} are gone: {error}", body)

    async def _moments(self, notice: Notice, kind: JobKind, receipt: str) -> AsyncIterator[bytes]:
        began_at = await self._find_beginning(notice)
        count = 0
        async for at_ms, answer in self._groups(notice, kind, receipt):
            count += 1
            if count > self._video.max_moments:
                most = self._video.max_moments
                self._log.warning("video.cut job %s: only %d moments were taken", notice.job_id, most)
                return
            moment = {
                "job": f"{notice.job_id}.{kind.operation}",
                "device": self._video.device,
                "began_at": began_at.isoformat(),
                "at_ms": at_ms,
                "bucket": notice.video.s3_bucket,
                "key": notice.video.s3_object_name,
                "entry": {"operation": kind.operation, "answer": answer},
            }
            yield json.dumps(moment, sort_keys=True).encode()

    async def _groups(
        self, notice: Notice, kind: JobKind, receipt: str
    ) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """Yield what was found at each time, in order of time, over all pages."""
        held: list[Any] = []
        held_ms, version = 0, {}
        async for page in self._pages(notice.job_id, kind, receipt):
            if kind.version is not None and isinstance(page.get(kind.version), str):
                version = {kind.version: page[kind.version]}
            for at_ms, item in _items(page, kind):
                if held and at_ms != held_ms:
                    yield held_ms, {kind.put: held, **version}
                    held = []
                held_ms = at_ms
                held.append(item)
        if held:
            yield held_ms, {kind.put: held, **version}

    async def _pages(self, job: str, kind: JobKind, receipt: str) -> AsyncIterator[dict[str, Any]]:
        more: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            # Long jobs outlast the time for which the notice is hidden from others.
            await self._queue.change_message_visibility(
                QueueUrl=self._video.sqs, ReceiptHandle=receipt, VisibilityTimeout=HIDDEN_S
            )
            call = getattr(self._rekognition, kind.call)
            page = await call(JobId=job, MaxResults=PAGE, **kind.sorted_by, **more)
            yield page
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}
        self._log.warning("video.cut job %s: only %d pages were read", job, MAX_PAGES)

    async def _find_beginning(self, notice: Notice) -> datetime:
        """Return when the video was put into S3; where that cannot be asked, when its job was done."""
        from botocore.exceptions import BotoCoreError, ClientError

        place = notice.video
        try:
            found = await self._s3.head_object(Bucket=place.s3_bucket, Key=place.s3_object_name)
            return found["LastModified"].astimezone(UTC)  # type: ignore[no-any-return] # a datetime
        except (ClientError, BotoCoreError) as error:
            self._log.info("video.undated %s: %s", notice.job_id, str(error)[:MAX_REASON_CHARS])
            return datetime.fromtimestamp(notice.timestamp / 1000, UTC)


def _items(page: dict[str, Any], kind: JobKind) -> Iterator[tuple[int, Any]]:
    """Yield the time of each item of a page and what it holds, as an answer about a picture has it."""
    for found in page.get(kind.member) or ():
        at_ms, item = found.get("Timestamp", 0), thin(found.get(kind.item))
        if isinstance(at_ms, int) and 0 <= at_ms <= MAX_VIDEO_MS and isinstance(item, dict):
            yield at_ms, item


def _refuse(reason: str, body: str) -> bytes:
    """Return a message that `decode` refuses with the reason, so that it is kept in quarantine."""
    return json.dumps({"refused": reason[:MAX_REASON_CHARS], "notice": body[:4000]}).encode()

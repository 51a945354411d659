"""The local Rekognition as Amazon's own client sees it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from hub.demo.cloud.rekognition_answers import ANSWERS
from hub.demo.cloud.rekognition_fault import FAULTS
from hub.demo.cloud.rekognition_jobs import VideoJob
from hub.demo.cloud.rekognition_models import ProjectVersion
from hub.demo.cloud.rekognition_server import RekognitionServer

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/lids/version/lids.1/1700000000001"
PROJECT = "arn:aws:rekognition:us-east-1:123456789012:project/lids/1700000000000"
REQUESTS: dict[str, dict[str, Any]] = {
    "DetectCustomLabels": {"ProjectVersionArn": ARN},
    "SearchFacesByImage": {"CollectionId": "people"},
}

LOOK_EMPTY = {"nothing", "html_200"}
# Of an answer that is not as its model says botocore raises what comes.
WHAT_THE_CLIENT_RAISES = (ClientError, BotoCoreError, AttributeError, TypeError)
SESSION = AioSession()


def picture(width: int = 120, height: int = 90, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(file, kind)
    return file.getvalue()


@pytest.fixture
async def server() -> AsyncIterator[RekognitionServer]:
    async with RekognitionServer() as running:
        running.models.add(ProjectVersion(ARN, status="RUNNING"))
        yield running


@pytest.fixture
async def client(server: RekognitionServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    config = AioConfig(read_timeout=1, retries={"total_max_attempts": 1})
    async with SESSION.create_client(
        "rekognition", region_name="us-east-1", endpoint_url=server.url, config=config
    ) as made:
        made.meta.events.register("before-send.rekognition", stream_body)
        yield made


def stream_body(request: Any, **_: Any) -> None:
    """Send a large request as aiohttp wants it, which warns of one in bytes."""
    request.body = io.BytesIO(request.body)


def call(client: Any, operation: str, image: dict[str, Any]) -> Any:
    names = ("SourceImage", "TargetImage") if operation == "CompareFaces" else ("Image",)
    request = REQUESTS.get(operation, {}) | dict.fromkeys(names, image)
    return client._make_api_call(operation, request)


@pytest.mark.parametrize("operation", ANSWERS)
async def test_server_answers_every_image_operation_as_the_model_has_it(client: Any, operation: str) -> None:
    answer = await call(client, operation, {"Bytes": picture()})
    answer.pop("ResponseMetadata")
    assert answer == ANSWERS[operation]()


async def test_server_answers_what_it_was_told_of_a_picture(server: RekognitionServer, client: Any) -> None:
    server.answers["DetectLabels", "s3://photos/cat.jpg"] = {"Labels": [{"Name": "Cat"}]}

    answer = await call(client, "DetectLabels", {"S3Object": {"Bucket": "photos", "Name": "cat.jpg"}})

    assert answer["Labels"] == [{"Name": "Cat"}]
    assert server.calls == server.paid == {"DetectLabels": 1}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no picture", "InvalidImageFormatException"),
        (picture(kind="GIF"), "InvalidImageFormatException"),
        (picture(79, 200), "InvalidParameterException"),
        (b"\0" * (5 * 1024 * 1024 + 1), "ImageTooLargeException"),
    ],
)
async def test_server_refuses_pictures_as_rekognition_does(client: Any, data: bytes, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        await call(client, "DetectLabels", {"Bytes": data})
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("fault", [*FAULTS, "drop", "stall"])
async def test_server_fails_as_often_as_it_is_told(
    server: RekognitionServer, client: Any, fault: str
) -> None:
    server.fail("DetectLabels", fault)
    with suppress(*WHAT_THE_CLIENT_RAISES):
        answer = await call(client, "DetectLabels", {"Bytes": picture()})
        assert fault in LOOK_EMPTY
        assert list(answer) == ["ResponseMetadata"]
    assert not server.paid
    await call(client, "DetectLabels", {"Bytes": picture()})
    assert server.paid["DetectLabels"] == 1


async def test_model_walks_through_its_states(server: RekognitionServer, client: Any) -> None:
    version = server.models.find(ARN)
    version.status, version.looks = "STOPPED", 1

    async def status() -> str:
        told = await client.describe_project_versions(ProjectArn=PROJECT, VersionNames=["lids.1"])
        return str(told["ProjectVersionDescriptions"][0]["Status"])

    await client.start_project_version(ProjectVersionArn=ARN, MinInferenceUnits=1)
    with pytest.raises(client.exceptions.ResourceInUseException):
        await client.start_project_version(ProjectVersionArn=ARN, MinInferenceUnits=1)
    assert [await status(), await status()] == ["STARTING", "RUNNING"]
    await client.stop_project_version(ProjectVersionArn=ARN)
    assert [await status(), await status()] == ["STOPPING", "STOPPED"]
    with pytest.raises(client.exceptions.ResourceNotReadyException):
        await call(client, "DetectCustomLabels", {"Bytes": picture()})


async def test_video_results_come_in_pages(server: RekognitionServer, client: Any) -> None:
    found = [{"Timestamp": at, "Label": {"Name": "Dog", "Confidence": 90.0}} for at in range(5)]
    server.videos.add(VideoJob("job-1", "GetLabelDetection", found))

    pages = [await client.get_label_detection(JobId="job-1", MaxResults=3)]
    pages.append(
        await client.get_label_detection(JobId="job-1", MaxResults=3, NextToken=pages[0]["NextToken"])
    )

    assert [item["Timestamp"] for page in pages for item in page["Labels"]] == [0, 1, 2, 3, 4]
    assert "NextToken" not in pages[1]

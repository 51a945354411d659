"""A bucket over HTTP: written once, kept as asked, and what it says when the store or the network fails."""

from __future__ import annotations

import asyncio
import configparser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub import aws
from hub.aws import Access
from hub.errors import DeliveryError
from hub.plugin import Reject, RetryLater
from plugins.s3_bucket import Bucket, Keeping, md5_of
from plugins.s3_upload import PART_BYTES

OURS = {"lenshub-event": "1 2018", "lenshub-sha256": "0" * 64}
THEIRS = {"lenshub-event": "1 2019"}
JPEG = "image/jpeg"


@asynccontextmanager
async def opened(address: str, keeping: Keeping | None = None, **access: Any) -> AsyncIterator[Bucket]:
    way = Access(address, "us-east-1", **access)
    async with Bucket("archive", "p/", way, keeping or Keeping()) as bucket:
        yield bucket


async def head(s3: Any, key: str) -> Any:
    return await s3.head_object(Bucket="archive", Key=f"p/{key}")


async def test_bucket_keeps_an_object_with_type_and_metadata(s3: Any, s3_server: str) -> None:
    async with opened(s3_server) as bucket:
        await bucket.add("a.jpg", b"picture", JPEG, OURS)
    found = await head(s3, "a.jpg")
    assert (found["ContentType"], found["Metadata"]) == (JPEG, OURS)


async def test_bucket_keeps_objects_in_the_class_and_under_the_key_asked_for(s3: Any, s3_server: str) -> None:
    async with opened(s3_server, Keeping("STANDARD_IA", "alias/cameras")) as bucket:
        await bucket.add("a.jpg", b"picture", JPEG, OURS)
        await bucket.replace("latest.json", b"{}", "application/json")
    kept, changing = await head(s3, "a.jpg"), await head(s3, "latest.json")
    assert (kept["StorageClass"], kept["ServerSideEncryption"]) == ("STANDARD_IA", "aws:kms")
    assert (kept["SSEKMSKeyId"], kept["BucketKeyEnabled"]) == ("alias/cameras", True)
    assert ("StorageClass" in changing, changing["SSEKMSKeyId"]) == (False, "alias/cameras")


async def test_bucket_writes_an_object_once(s3: Any, faulty_s3: Any) -> None:
    async with opened(faulty_s3.address) as bucket:
        await bucket.add("a.jpg", b"first", JPEG, OURS)
        await bucket.add("a.jpg", b"drawn by a newer version", JPEG, OURS)
        assert await bucket.read("a.jpg") == b"first"


async def test_bucket_refuses_a_key_that_is_another_events(s3: Any, s3_server: str) -> None:
    async with opened(s3_server) as bucket:
        await bucket.add("a.jpg", b"theirs", JPEG, THEIRS)
        with pytest.raises(Reject, match=r"p: a\.jpg is there already, and not of this event: give this hub"):
            await bucket.add("a.jpg", b"ours", JPEG, OURS)
        assert await bucket.read("a.jpg") == b"theirs"


async def test_bucket_takes_the_same_bytes_without_metadata_for_its_own(s3: Any, s3_server: str) -> None:
    await s3.put_object(Bucket="archive", Key="p/a.jpg", Body=b"same")
    async with opened(s3_server) as bucket:
        await bucket.add("a.jpg", b"same", JPEG, OURS)


async def test_bucket_asks_first_where_the_store_knows_no_conditions(s3: Any, faulty_s3: Any) -> None:
    faulty_s3.fail("unsupported", "PUT", "if-none-match")
    async with opened(faulty_s3.address) as bucket:
        await bucket.add("a.jpg", b"first", JPEG, OURS)
        await bucket.add("b.jpg", b"second", JPEG, OURS)
        await bucket.add("a.jpg", b"again", JPEG, OURS)
        with pytest.raises(Reject):
            await bucket.add("a.jpg", b"other", JPEG, THEIRS)
        assert await bucket.read("a.jpg") == b"first"
    assert sum(faulty_s3.requests.count(f"PUT /archive/p/{name}.jpg") for name in "ab") == 3


@pytest.mark.parametrize("size", [PART_BYTES + 1, 2 * PART_BYTES + 7])
async def test_bucket_writes_large_objects_in_parts(s3: Any, faulty_s3: Any, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with opened(faulty_s3.address, Keeping("STANDARD_IA", None)) as bucket:
        await bucket.add("large.jpg", data, JPEG, OURS)
        await bucket.add("large.jpg", b"other" + data, JPEG, OURS)
        assert await bucket.read("large.jpg") == data
    found = await head(s3, "large.jpg")
    assert (found["ContentType"], found["Metadata"], found["StorageClass"]) == (JPEG, OURS, "STANDARD_IA")


async def test_bucket_leaves_no_parts_of_an_upload_that_failed(s3: Any, faulty_s3: Any) -> None:
    faulty_s3.fail("deny", "PUT", "partNumber=2")
    async with opened(faulty_s3.address) as bucket:
        with pytest.raises(DeliveryError, match="AccessDenied"):
            await bucket.add("large.jpg", bytes(PART_BYTES + 1), JPEG, OURS)
    assert "Uploads" not in await s3.list_multipart_uploads(Bucket="archive")


async def test_bucket_joins_parts_again_after_200_with_an_error(s3: Any, faulty_s3: Any) -> None:
    faulty_s3.fail("error_in_200", "POST", "uploadId=", times=1)
    async with opened(faulty_s3.address) as bucket:
        await bucket.add("large.jpg", bytes(PART_BYTES + 1), JPEG, OURS)
        assert len(await bucket.read("large.jpg") or b"") == PART_BYTES + 1


@pytest.mark.parametrize("kind", ["throttle", "error_in_200", "drop_request", "lose_answer", "drop_answer"])
async def test_bucket_overcomes_one_failure_of_a_write(s3: Any, faulty_s3: Any, kind: str) -> None:
    faulty_s3.fail(kind, "PUT", times=1)
    async with opened(faulty_s3.address) as bucket:
        await bucket.add("a.jpg", b"picture" * 1000, JPEG, OURS)
        assert await bucket.read("a.jpg") == b"picture" * 1000


LASTING = {
    "throttle": (RetryLater, "s3://archive/p: SlowDown: the store is busy"),
    "error_in_200": (RetryLater, "s3://archive/p: InternalError: the store is busy"),
    "deny": (DeliveryError, "AccessDenied (allow these credentials s3:PutObject, "),
    "drop_request": (DeliveryError, "s3://archive/p: "),
    "lose_answer": (DeliveryError, "s3://archive/p: "),
    "stall": (DeliveryError, "s3://archive/p: Read timeout on endpoint URL"),
}


@pytest.mark.parametrize("kind", LASTING)
async def test_bucket_says_what_keeps_failing(
    s3: Any, faulty_s3: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "stall":
        monkeypatch.setattr(aws, "READ_S", 1)
    faulty_s3.fail(kind, "PUT")
    expected, text = LASTING[kind]
    async with opened(faulty_s3.address) as bucket:
        with pytest.raises(expected) as raised:
            await bucket.add("a.jpg", b"picture", JPEG, OURS)
    assert text in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("drop_answer", "s3://archive/p: "), ("error_in_200", "InternalError in an answer of status 200")],
)
async def test_bucket_takes_no_broken_answer_for_an_object(
    s3: Any, faulty_s3: Any, kind: str, text: str
) -> None:
    faulty_s3.fail(kind, "GET")
    async with opened(faulty_s3.address) as bucket:
        await bucket.replace("latest.json", b"{}" * 5000, "application/json")
        with pytest.raises((DeliveryError, RetryLater)) as raised:
            await bucket.read("latest.json")
    assert text in str(raised.value)


async def test_bucket_has_many_uploads_in_flight_and_no_more_than_asked(s3: Any, faulty_s3: Any) -> None:
    async with opened(faulty_s3.address, connections=8) as bucket:
        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(bucket.add(f"{number}.jpg", b"picture", JPEG, OURS))
        found = {key async for key, _ in bucket.listed()}
    assert found == {f"{number}.jpg" for number in range(40)}
    assert 4 <= faulty_s3.most_in_flight <= 8


async def test_bucket_lists_every_page(s3: Any, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(s3_server) as bucket:
        for number in range(5):
            await bucket.add(f"{number}.jpg", b"picture", JPEG, OURS)
        asked = bucket._client.list_objects_v2
        monkeypatch.setattr(bucket._client, "list_objects_v2", lambda **given: asked(MaxKeys=2, **given))
        found = {key: item async for key, item in bucket.listed()}
    assert len(found) == 5
    assert {(item.size, item.md5) for item in found.values()} == {(7, md5_of(b"picture"))}


def write_profiles(path: Path, **sections: dict[str, str]) -> None:
    profiles = configparser.ConfigParser()
    profiles.read_dict(sections)
    with path.open("w") as file:
        profiles.write(file)


async def test_bucket_takes_credentials_of_a_profile(
    s3: Any, faulty_s3: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"aws_access_key_id": "OFPROFILE", "aws_secret_access_key": "secret"}
    write_profiles(tmp_path / "credentials", cameras=given)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    async with opened(faulty_s3.address, profile="cameras") as bucket:
        await bucket.add("a.jpg", b"picture", JPEG, OURS)
    assert "Credential=OFPROFILE/" in faulty_s3.heads[-1]


async def test_bucket_assumes_a_role(
    s3: Any, s3_server: str, faulty_s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", s3_server)
    role = "arn:aws:iam::123456789012:role/archive"
    async with opened(faulty_s3.address, role_arn=role, external_id="lenshub") as bucket:
        await bucket.add("a.jpg", b"picture", JPEG, OURS)
    assert "Credential=ASIA" in faulty_s3.heads[-1], "a temporary key"


async def test_bucket_writes_without_asking_whether_it_may_send(faulty_s3: Any) -> None:
    async with opened(faulty_s3.address) as bucket:
        await bucket.add("a.jpg", b"picture", JPEG, OURS)
    assert [
        ("expect:" in head.lower(), "user-agent: lenshub" in head.lower()) for head in faulty_s3.heads
    ] == [(False, True)]

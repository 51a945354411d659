"""The archive: its layout in a folder and on an S3 server, twice the same, and what its errors say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.draw.picture import decode_picture

STEM = "Seattle01_20180816-183152_1"
DAY = "2018/08/16/Seattle01"
KEYS = {
    f"raw_images/{DAY}/raw_{STEM}.jpg",
    f"images/{DAY}/image_{STEM}.jpg",
    f"json/{DAY}/record_{STEM}.json",
    "latest/latest.json",
}


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


async def keys_in(client: Any) -> set[str]:
    listed = await client.list_objects_v2(Bucket="archive")
    return {item["Key"] for item in listed.get("Contents", ())}


async def read_object(client: Any, key: str) -> tuple[bytes, str]:
    found = await client.get_object(Bucket="archive", Key=key)
    async with found["Body"] as body:
        return await body.read(), found["ContentType"]


async def test_archive_writes_the_published_layout_to_a_folder(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    async with hub.running("s3-archive") as archive:
        verdict = await hub.deliver(archive, event)
    files = files_in(hub.data_dir / "archive")
    assert (verdict.outcome, verdict.note) == ("done", f"raw_images/{DAY}/raw_{STEM}.jpg")
    assert set(files) == KEYS
    assert files[verdict.note] == picture


async def test_archive_draws_boxes_on_the_full_frame(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    async with hub.running("s3-archive") as archive:
        await hub.deliver(archive, event)
    boxed = decode_picture((hub.data_dir / f"archive/images/{DAY}/image_{STEM}.jpg").read_bytes())
    assert boxed.shape == (180, 320, 3)
    assert boxed[90, 80, 1] > 150, "the left edge of the box is green"


async def test_archive_record_has_the_published_keys_and_the_event(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    async with hub.running("s3-archive") as archive:
        await hub.deliver(archive, event)
    record = json.loads((hub.data_dir / f"archive/json/{DAY}/record_{STEM}.json").read_bytes())
    assert record["device_id"] == "Seattle01"
    assert record["timestamp"] == "20180816-183152"
    assert record["objects"] == [{"index": 0, "object": "thumbs-up", "confidence": 0.93}]
    assert record["link_to_img"] == f"images/{DAY}/image_{STEM}.jpg"
    assert record | event.model_dump(mode="json") == record


async def test_archive_delivered_twice_gives_the_same_bytes(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    async with hub.running("s3-archive") as archive:
        await hub.deliver(archive, event)
        once = files_in(hub.data_dir / "archive")
        await hub.deliver(archive, event, attempt=2)
    assert files_in(hub.data_dir / "archive") == once


async def test_archive_keeps_two_events_of_one_second_apart(hub: Any, picture: bytes) -> None:
    events = [await hub.store(picture) for _ in range(2)]
    async with hub.running("s3-archive") as archive:
        notes = {(await hub.deliver(archive, event)).note for event in events}
    assert len(notes) == 2


async def test_archive_without_frame_writes_the_record_only(hub: Any) -> None:
    event = await hub.store(None)
    async with hub.running("s3-archive") as archive:
        verdict = await hub.deliver(archive, event)
    assert verdict.note == f"json/{DAY}/record_{STEM}.json"
    assert set(files_in(hub.data_dir / "archive")) == {verdict.note, "latest/latest.json"}


async def test_archive_keeps_a_picture_that_cannot_be_read_and_says_so(hub: Any) -> None:
    event = await hub.store(b"\xff\xd8 no picture \xff\xd9")
    async with hub.running("s3-archive") as archive:
        verdict = await hub.deliver(archive, event)
    files = files_in(hub.data_dir / "archive")
    raw_key = f"raw_images/{DAY}/raw_{STEM}.jpg"
    assert verdict.note == f"{raw_key} (boxes not drawn: it cannot be decoded as a picture)"
    assert files[raw_key] == b"\xff\xd8 no picture \xff\xd9"
    assert json.loads(files["latest/latest.json"])["link_to_img"] == raw_key


async def test_archive_latest_does_not_go_back_in_time(hub: Any) -> None:
    newer = await hub.store(None)
    older = await hub.store(None, captured_at=hub.now - timedelta(hours=1))
    async with hub.running("s3-archive") as archive:
        await asyncio.gather(hub.deliver(archive, newer), hub.deliver(archive, older))
    async with hub.running("s3-archive") as restarted:
        await hub.deliver(restarted, older)
    assert json.loads((hub.data_dir / "archive/latest/latest.json").read_bytes())["id"] == newer.id


async def test_archive_latest_is_not_held_by_a_clock_that_runs_ahead(hub: Any) -> None:
    ahead = await hub.store(None, captured_at=hub.now + timedelta(days=9999))
    hub.now += timedelta(seconds=5)
    usual = await hub.store(None)
    async with hub.running("s3-archive") as archive:
        await hub.deliver(archive, ahead)
        await hub.deliver(archive, usual)
    assert json.loads((hub.data_dir / "archive/latest/latest.json").read_bytes())["id"] == usual.id


@pytest.mark.parametrize(
    "found", [b"", b"[]", b"7", b'{"id": 1}', b'{"captured_at": 5, "received_at": 6, "id": 7}']
)
async def test_archive_latest_of_somebody_else_is_replaced(hub: Any, found: bytes) -> None:
    latest = hub.data_dir / "archive/latest/latest.json"
    latest.parent.mkdir(parents=True)
    latest.write_bytes(found)
    event = await hub.store(None)
    async with hub.running("s3-archive") as archive:
        verdict = await hub.deliver(archive, event)
    assert (verdict.outcome, json.loads(latest.read_bytes())["id"]) == ("done", event.id)


async def test_archive_stays_inside_its_folder_whatever_the_names_say(hub: Any) -> None:
    event = await hub.store(None)
    hostile = event.model_copy(update={"device": "../../etc"})
    async with hub.running("s3-archive") as archive:
        verdict = await hub.deliver(archive, hostile)
    assert "not a device name" in verdict.reason
    assert not (hub.data_dir / "archive").exists()


async def test_archive_in_an_unwritable_place_is_tried_again(hub: Any) -> None:
    (hub.data_dir / "archive").write_text("a file where the folder should be")
    event = await hub.store(None)
    async with hub.running("s3-archive") as archive:
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "retrying"
    assert "archive" in verdict.reason


async def test_archive_writes_objects_with_their_types_to_a_bucket(
    hub: Any, picture: bytes, s3: Any, s3_server: str
) -> None:
    event = await hub.store(picture)
    async with hub.running("s3-archive", bucket="archive", endpoint_url=s3_server, prefix="cams/") as archive:
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "done", verdict
    assert await keys_in(s3) == {f"cams/{key}" for key in KEYS}
    assert await read_object(s3, f"cams/{verdict.note}") == (picture, "image/jpeg")
    record, content_type = await read_object(s3, "cams/latest/latest.json")
    assert content_type == "application/json"
    assert json.loads(record)["link_to_img"] == f"{s3_server}/archive/cams/images/{DAY}/image_{STEM}.jpg"


async def test_archive_writes_a_large_picture_to_a_bucket(hub: Any, s3: Any, s3_server: str) -> None:
    large = b"\xff\xd8" + bytes(6_000_000) + b"\xff\xd9"
    event = await hub.store(large)
    async with hub.running("s3-archive", bucket="archive", endpoint_url=s3_server) as archive:
        await hub.deliver(archive, event)
    assert await read_object(s3, f"raw_images/{DAY}/raw_{STEM}.jpg") == (large, "image/jpeg")


async def test_archive_latest_in_a_bucket_is_read_after_a_restart(hub: Any, s3: Any, s3_server: str) -> None:
    older = await hub.store(None, captured_at=hub.now - timedelta(hours=1))
    newer = await hub.store(None)
    for event in (newer, older):
        async with hub.running("s3-archive", bucket="archive", endpoint_url=s3_server) as archive:
            await hub.deliver(archive, event)
    record, _ = await read_object(s3, "latest/latest.json")
    assert json.loads(record)["id"] == newer.id


async def test_archive_says_what_to_do_about_a_missing_bucket(hub: Any, s3: Any, s3_server: str) -> None:
    event = await hub.store(None)
    async with hub.running("s3-archive", bucket="nowhere", endpoint_url=s3_server) as archive:
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "retrying"
    assert "s3://nowhere: NoSuchBucket (make the bucket, or correct `bucket`)" in verdict.reason


async def test_archive_is_tried_again_when_nobody_listens(hub: Any, s3: Any, free_port: int) -> None:
    event = await hub.store(None)
    nobody = f"http://127.0.0.1:{free_port}"
    async with hub.running("s3-archive", bucket="archive", endpoint_url=nobody) as archive:
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "retrying"
    assert "Could not connect" in verdict.reason


@asynccontextmanager
async def refusing_store(status: str, code: str) -> AsyncIterator[str]:
    """Stand in for a store that answers every request with one error; yields its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        # What is closed with bytes unread is reset, and its answer may be lost.
        await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0] or 0))
        body = f"<Error><Code>{code}</Code></Error>"
        said = f"HTTP/1.1 {status}\r\nRetry-After: 7\r\nConnection: close\r\nContent-Length: {len(body)}"
        writer.write(f"{said}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_archive_waits_as_long_as_a_busy_store_asks(hub: Any, s3: Any) -> None:
    event = await hub.store(None)
    async with (
        refusing_store("503 Slow Down", "SlowDown") as address,
        hub.running("s3-archive", bucket="archive", endpoint_url=address) as archive,
    ):
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "retrying"
    assert "SlowDown: the store is busy" in verdict.reason
    assert verdict.pause_s >= 7


async def test_archive_says_what_to_do_when_access_is_denied(hub: Any, s3: Any) -> None:
    event = await hub.store(None)
    async with (
        refusing_store("403 Forbidden", "AccessDenied") as address,
        hub.running("s3-archive", bucket="archive", endpoint_url=address) as archive,
    ):
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "retrying"
    assert (
        "AccessDenied (allow these credentials s3:PutObject, s3:GetObject and s3:ListBucket on it)"
        in verdict.reason
    )


async def test_archive_without_credentials_is_tried_again(
    hub: Any, s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    event = await hub.store(None)
    async with hub.running("s3-archive", bucket="archive", endpoint_url=s3_server) as archive:
        verdict = await hub.deliver(archive, event)
    assert verdict.outcome == "retrying"
    assert "Unable to locate credentials" in verdict.reason


WRONG = {
    "both": ({"bucket": "b-1", "folder": "x"}, "plugins.s3-archive: set folder or bucket, not both"),
    "alone": ({"prefix": "x/"}, "plugins.s3-archive: prefix needs bucket"),
    "address": (
        {"bucket": "b-1", "endpoint_url": "ftp://x"},
        "is not an address like https://s3.example:9000",
    ),
    "secret": ({"bucket": "b-1", "endpoint_url": "https://u:pw@x"}, "must not hold credentials"),
    "unknown": ({"bukket": "b"}, "unknown setting 'bukket' (did you mean 'bucket'?"),
    "prefix": ({"bucket": "b-1", "prefix": "/x"}, "plugins.s3-archive.prefix: "),
}


@pytest.mark.parametrize("case", WRONG)
def test_archive_settings_say_what_is_wrong(case: str, problems: Callable[..., tuple[str, ...]]) -> None:
    table, expected = WRONG[case]
    (found,) = problems("s3-archive", **table)
    assert expected in found
    assert "pw@" not in found

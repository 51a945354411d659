"""Pictures before Rekognition: what is asked, once and side by side, and what comes of each refusal."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from hub.demo.cloud.rekognition_models import ProjectVersion
from hub.demo.cloud.rekognition_picture import MAX_BYTES, MAX_CUSTOM_BYTES
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.errors import DeliveryError
from hub.images.image import Image, S3Object
from hub.images.message import write
from hub.loading import Loaded, load_instance
from hub.plugin import PayloadError, Reject, RetryLater
from plugins import rekognition_asking
from plugins.rekognition_picture import shrink
from plugins.rekognition_request import CALLS

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/lids/version/lids.1/1700000000001"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERYTHING = {
    "operations": list(CALLS),
    "custom_labels": {"version_arn": ARN},
    "compare_faces": {"face": "ann.jpg", "name": "Ann"},
    "search_faces": {"collection": "people"},
    "rate": dict.fromkeys(CALLS, 1000),
}


def encode(width: int = 120, height: int = 90, kind: str = "JPEG", orientation: int = 1) -> bytes:
    file = io.BytesIO()
    exif = Picture.Exif()
    exif[0x0112] = orientation
    Picture.new("RGB", (width, height), "grey").save(file, kind, exif=exif)
    return file.getvalue()


def noise(side: int) -> bytes:
    """Return a PNG of about 3 bytes a pixel."""
    file = io.BytesIO()
    pixels = np.random.default_rng(5).integers(0, 255, (side, side, 3), np.uint8)
    Picture.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def image(data: bytes | None = None, **members: Any) -> Image:
    found = encode() if data is None else data
    return replace(Image("file:1", "a.jpg", "photos", AT, found, "image/jpeg", 120, 90), **members)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RekognitionServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    async with RekognitionServer() as running:
        running.models.add(ProjectVersion(ARN, status="RUNNING"))
        yield running


@asynccontextmanager
async def asking(server: RekognitionServer, folder: Path, **table: Any) -> AsyncIterator[Any]:
    """Load an instance as the hub does and enter it."""
    (folder / "ann.jpg").write_bytes(encode())
    table = {"endpoint_url": server.url, "region": "us-east-1", **table}
    loaded = load_instance("rekognition", table, folder)
    assert isinstance(loaded, Loaded), loaded
    async with loaded.plugin as plugin:
        yield plugin


async def test_every_operation_is_asked_once_side_by_side_and_makes_one_event(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    server.latency_s = 0.2
    async with asking(server, tmp_path, **EVERYTHING) as plugin:
        answer = await plugin.classify(image(), ledger)
        (event,) = plugin.decode(write(image(), answer, None, AT, "rekognition")).events

        assert server.most_at_once > 1
        assert sum(server.paid.values()) == len(CALLS)
        assert event.attributes["operations"] == list(CALLS)
        assert event.labels >= {
            "Dog",
            "OPEN DOOR",
            "face",
            "Ada Lovelace",
            "Weapons",
            "Ann",
            "ann",
            "lid-open",
        }
        assert "labels 1" in plugin.status()
        assert "USD 0.007" in plugin.status()  # a custom label costs by the hour


async def test_call_names_its_price_and_the_budgets(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    table = {"budget_usd_per_day": 2.0, "budget_usd_per_month": 30.0, "price": {"labels": 0.0008}}
    async with asking(server, tmp_path, **table) as plugin:
        await plugin.classify(image(), ledger)
    assert ledger.asked == [("labels", 0.0008, ["budget_usd_per_day", "budget_usd_per_month"])]


async def test_answers_of_an_earlier_attempt_are_not_paid_again(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    server.fail("DetectText", "throttle")
    async with asking(server, tmp_path, operations=["labels", "text"]) as plugin:
        with pytest.raises(RetryLater, match="text: ThrottlingException: Rekognition throttles"):
            await plugin.classify(image(), ledger)
        await plugin.classify(image(), ledger)
    assert server.paid == {"DetectLabels": 1, "DetectText": 1}


@pytest.mark.parametrize(
    ("fault", "raised", "says"),
    [
        ("throttle", RetryLater, "throttles"),
        ("throttle_500", RetryLater, "throttles"),
        ("provisioned", RetryLater, "throttles"),
        ("internal", RetryLater, "is down"),
        ("html", RetryLater, "is down"),
        ("denied", RetryLater, "allow these credentials"),
        ("expired", RetryLater, "renew the credentials"),
        ("unknown_key", RetryLater, "AWS_ACCESS_KEY_ID"),
        ("unknown_model", RetryLater, "version_arn"),
        ("not_ready", RetryLater, "the model does not run"),
        ("format", Reject, "not one that Rekognition reads"),
        ("too_large", Reject, "too large"),
        ("object", Reject, "cannot read the object"),
        ("parameter", Reject, "refuses the picture"),
        ("strange", PayloadError, "not Rekognition's"),
        ("array", PayloadError, "not Rekognition's"),
        ("nothing", PayloadError, "not Rekognition's"),
        ("html_200", PayloadError, "not Rekognition's"),
        ("drop", DeliveryError, "did not answer"),
    ],
)
async def test_refusal_says_what_is_to_be_done_with_the_picture(
    server: RekognitionServer, tmp_path: Path, ledger: Any, fault: str, raised: type[Exception], says: str
) -> None:
    server.fail("DetectLabels", fault)
    async with asking(server, tmp_path) as plugin:
        with pytest.raises(raised, match=says):
            await plugin.classify(image(), ledger)
    assert server.calls["DetectLabels"] == 1


async def test_refused_picture_is_let_go_of_at_once(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    refused = image()
    async with asking(server, tmp_path) as plugin:
        gc.collect()
        gc.disable()
        try:
            before = count_refusals()  # other tests keep some
            for _ in range(3):
                server.fail("DetectLabels", "throttle")
                with suppress(RetryLater):
                    await plugin.classify(refused, ledger)
            await asyncio.sleep(0)  # the loop still holds what it has just done
            assert count_refusals() <= before
        finally:
            gc.enable()


def count_refusals() -> int:
    # By type(): isinstance asks the object too, and a weak proxy whose object is gone raises then.
    return sum(issubclass(type(one), RetryLater) for one in gc.get_objects())


async def test_rate_that_leaves_no_turn_soon_lets_the_picture_wait_outside(
    server: RekognitionServer, tmp_path: Path, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekognition_asking, "PATIENCE_S", 0.05)
    async with asking(server, tmp_path, rate={"labels": 0.001}) as plugin:
        await plugin.classify(image(), ledger)
        ledger.answers.clear()
        with pytest.raises(RetryLater, match=r"rate allows 0\.001 calls a second") as waits:
            await plugin.classify(image(), ledger)
    assert waits.value.after_s == 1000
    assert server.calls == {"DetectLabels": 1}


async def test_pause_for_credentials_is_as_long_as_set_and_told_in_status(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    server.fail("DetectLabels", "expired")
    async with asking(server, tmp_path, pause_s=1234) as plugin:
        with pytest.raises(RetryLater) as refused:
            await plugin.classify(image(), ledger)
        assert refused.value.after_s == 1234
        assert "waiting: labels: ExpiredTokenException (renew the credentials)" in plugin.status()
        await plugin.classify(image(), ledger)
        assert "waiting" not in plugin.status()


async def test_unreadable_answer_is_kept_as_paid_and_not_asked_again(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    server.fail("DetectLabels", "html_200")
    async with asking(server, tmp_path) as plugin:
        for _ in range(2):
            with pytest.raises(PayloadError, match=r"^bad_answer: "):
                await plugin.classify(image(), ledger)
    assert server.calls["DetectLabels"] == 1


@pytest.mark.parametrize("operation", ["search-faces", "compare-faces"])
async def test_picture_without_a_face_has_no_detections(
    server: RekognitionServer, tmp_path: Path, ledger: Any, operation: str
) -> None:
    server.fail("SearchFacesByImage", "no_face")
    server.fail("CompareFaces", "parameter")
    async with asking(server, tmp_path, **EVERYTHING | {"operations": [operation]}) as plugin:
        answer = await plugin.classify(image(), ledger)
        (event,) = plugin.decode(write(image(), answer, None, AT, "rekognition")).events
    assert event.detections == ()
    assert "no face" in event.attributes["notes"][operation]


async def test_server_that_cannot_be_reached_is_tried_later(tmp_path: Path, ledger: Any, server: Any) -> None:
    async with asking(server, tmp_path, endpoint_url="http://127.0.0.1:9") as plugin:
        with pytest.raises(RetryLater, match="cannot be reached"):
            await plugin.classify(image(), ledger)


async def test_missing_credentials_are_waited_for(
    server: RekognitionServer, tmp_path: Path, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with asking(server, tmp_path) as plugin:
        with pytest.raises(RetryLater, match="credentials"):
            await plugin.classify(image(), ledger)
    assert not server.calls


async def test_object_in_s3_is_named_instead_of_sent(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    place = S3Object("photos", "a b/ä.jpg", "v1", "us-east-1")
    async with asking(server, tmp_path) as plugin:
        await plugin.classify(image(s3=place, data=b"\0" * (MAX_BYTES + 1)), ledger)
    (request,) = [body["Image"] for _, body in server.requests]
    assert request == {"S3Object": {"Bucket": "photos", "Name": "a b/ä.jpg", "Version": "v1"}}


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (S3Object("photos", "a.jpg", None, "eu-west-1"), None),
        (S3Object("photos", "a.jpg", None, "us-east-1"), "object"),
    ],
)
async def test_bytes_are_sent_where_rekognition_cannot_read_the_object(
    server: RekognitionServer, tmp_path: Path, ledger: Any, place: S3Object, fault: str | None
) -> None:
    if fault:
        server.fail("DetectLabels", fault)
    async with asking(server, tmp_path) as plugin:
        await plugin.classify(image(s3=place), ledger)
    assert server.requests[-1][1]["Image"] == {"Bytes": image().data}


@pytest.mark.parametrize(("operation", "most"), [("labels", MAX_BYTES), ("custom-labels", MAX_CUSTOM_BYTES)])
async def test_picture_too_large_to_send_is_rejected_unasked(
    server: RekognitionServer, tmp_path: Path, ledger: Any, operation: str, most: int
) -> None:
    async with asking(server, tmp_path, **EVERYTHING | {"operations": [operation]}) as plugin:
        with pytest.raises(Reject, match=f"{most + 1} bytes; {operation} takes {most}"):
            await plugin.classify(image(b"\0" * (most + 1)), ledger)
    assert not server.calls


async def test_picture_too_large_is_encoded_smaller_where_that_is_set(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    data = noise(1400)
    async with asking(server, tmp_path, oversize="shrink") as plugin:
        await plugin.classify(image(data), ledger)
    sent = server.requests[-1][1]["Image"]["Bytes"]
    assert len(sent) <= MAX_BYTES < len(data)
    assert hashlib.sha256(sent).digest() != hashlib.sha256(data).digest()


def test_smaller_picture_is_upright_and_fits() -> None:
    data = shrink(encode(200, 100, orientation=6), 2000)
    with Picture.open(io.BytesIO(data)) as picture:
        assert picture.size == (100, 200)
    assert len(shrink(noise(300), 9000)) <= 9000


def test_picture_that_cannot_be_read_is_not_made_smaller() -> None:
    with pytest.raises(Reject, match="cannot be read"):
        shrink(encode()[:300], 100)


async def test_picture_below_80_pixels_is_rejected_unasked(
    server: RekognitionServer, tmp_path: Path, ledger: Any
) -> None:
    async with asking(server, tmp_path) as plugin:
        with pytest.raises(Reject, match="120 x 79 pixels"):
            await plugin.classify(image(height=79), ledger)
    assert not server.calls


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"operations": ["labels", "labels"]}, "twice"),
        ({"operations": ["custom-labels"]}, "custom-labels needs the table custom_labels"),
        ({"operations": ["compare-faces"]}, "needs the table compare_faces"),
        ({"operations": ["search-faces"]}, "needs the table search_faces"),
        ({"operations": ["levitation"]}, "operations"),
        ({"external_id": "abc"}, "external_id needs role_arn"),
        ({"custom_labels": {"version_arn": "lids.1"}}, "version_arn"),
        ({"price": {"labels": -1}}, "price"),
    ],
)
def test_wrong_table_is_named(problems: Any, table: dict[str, Any], says: str) -> None:
    assert any(says in line for line in problems("rekognition", **table)), problems("rekognition", **table)

"""Reads what S3 says of new objects, as it comes out of a queue: direct, through SNS, through EventBridge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from hub.errors import PayloadError
from hub.images.image import S3Object

MAX_CHARS = 1_100_000  # a message of SQS has at most 1 MiB
MAX_RECORDS = 1000
MAX_KEY_CHARS = 1024
CREATED = ("ObjectCreated:", "s3:ObjectCreated:")


@dataclass(frozen=True, slots=True)
class Notified:
    """A new object. `mark` tells this writing of it from others: its version, sequencer or ETag."""

    place: S3Object
    mark: str
    at: datetime


def read_notification(body: str) -> list[Notified]:
    """Return the new objects of a message; none where it tells of something else, as a test event does.

    Raises:
        PayloadError: `bad_notification`.

    Source: S3 User Guide, "Event message structure" (2.1 to 2.4) and "Event structure" of EventBridge.
    """
    try:
        return list(_read(_parse(body)))
    except (KeyError, TypeError, AttributeError) as error:
        raise PayloadError(
            "bad_notification", f"a member is missing or of another kind: {error!r}"
        ) from error


def _parse(body: str) -> dict[str, Any]:
    if len(body) > MAX_CHARS:
        raise PayloadError("bad_notification", f"{len(body)} characters")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError("bad_notification", f"is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise PayloadError("bad_notification", f"is JSON, but {type(found).__name__} and no object")
    return found


def _read(said: dict[str, Any]) -> Iterator[Notified]:
    if said.get("Type") == "Notification":  # SNS puts the message in as text
        said = _parse(said["Message"])
    if said.get("Event") == "s3:TestEvent":
        return
    if "Records" in said:
        if not isinstance(said["Records"], list) or len(said["Records"]) > MAX_RECORDS:
            raise PayloadError("bad_notification", f"Records is no list of at most {MAX_RECORDS}")
        for record in said["Records"]:
            yield from _read_record(record)
    elif said.get("source") == "aws.s3" and "detail" in said:
        yield from _read_bridge(said)
    else:
        raise PayloadError("bad_notification", "neither Records of S3 nor an event of EventBridge")


def _read_record(record: dict[str, Any]) -> Iterator[Notified]:
    if not record["eventName"].startswith(CREATED):
        return
    bucket, found = record["s3"]["bucket"]["name"], record["s3"]["object"]
    # AWS form-encodes the key; other stores write it as it is.
    key = unquote_plus(found["key"]) if record.get("eventSource") == "aws:s3" else found["key"]
    place = _place(bucket, key, found.get("versionId"), record.get("awsRegion"), found.get("eTag"))
    yield _notified(place, found.get("sequencer"), record.get("eventTime"))


def _read_bridge(said: dict[str, Any]) -> Iterator[Notified]:
    if said["detail-type"] != "Object Created":
        return
    detail = said["detail"]
    found = detail["object"]
    place = _place(
        detail["bucket"]["name"], found["key"], found.get("version-id"), said.get("region"), found.get("etag")
    )
    yield _notified(place, found.get("sequencer"), said.get("time"))


def _place(bucket: Any, key: Any, version: Any, region: Any, etag: Any) -> S3Object:
    for text in (bucket, key):
        if not isinstance(text, str) or not 0 < len(text) <= MAX_KEY_CHARS:
            raise PayloadError("bad_notification", "the bucket's name or the key is no text of its length")
        _check(text)
    return S3Object(bucket, key, _text(version), _text(region), _text(etag))


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_KEY_CHARS:
        return None
    _check(value)
    return value


def _check(text: str) -> None:
    """Refuse half a pair of UTF-16, which JSON can hold and nobody can be asked for."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PayloadError("bad_notification", f"a name is no Unicode: {error.reason}") from error


def _notified(place: S3Object, sequencer: Any, at: Any) -> Notified:
    mark = place.version or _text(sequencer) or place.etag
    if mark is None:
        raise PayloadError("bad_notification", "has no versionId, sequencer or eTag to know it again by")
    return Notified(place, mark, _time(at))


def _time(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return datetime.now(UTC)

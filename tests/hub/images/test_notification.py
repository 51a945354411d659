"""Notifications of S3: direct, through SNS, through EventBridge, and what is none."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import PayloadError
from hub.images.notification import read_notification


def record(key="a+b%2Fc.jpg", source="aws:s3", **found):
    found = {"key": key, "size": 10, "eTag": "e1", "sequencer": "0A"} | found
    return {
        "eventSource": source,
        "awsRegion": "eu-west-1",
        "eventTime": "2026-11-21T18:31:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "photos"}, "object": found},
    }


BRIDGE = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "time": "2026-11-21T18:31:00Z",
    "region": "eu-west-1",
    "detail": {"bucket": {"name": "photos"}, "object": {"key": "a b/c.jpg", "etag": "e1", "sequencer": "0A"}},
}


def sns(said):
    return {"Type": "Notification", "Message": json.dumps(said)}


@pytest.mark.parametrize("said", [{"Records": [record()]}, sns({"Records": [record()]}), BRIDGE, sns(BRIDGE)])
def test_new_object_is_the_same_however_it_was_told(said):
    (found,) = read_notification(json.dumps(said))

    assert (found.place.bucket, found.place.key, found.place.region) == ("photos", "a b/c.jpg", "eu-west-1")
    assert (found.mark, found.at.isoformat()) == ("0A", "2026-11-21T18:31:00+00:00")


def test_key_is_decoded_only_where_it_comes_from_aws():
    said = {"Records": [record(source="minio:s3"), record(versionId="v7")]}
    keys = [(one.place.key, one.mark) for one in read_notification(json.dumps(said))]

    assert keys == [("a+b%2Fc.jpg", "0A"), ("a b/c.jpg", "v7")]


@pytest.mark.parametrize(
    "said",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"},
        {"Records": []},
        {"Records": [record() | {"eventName": "ObjectRemoved:Delete"}]},
        BRIDGE | {"detail-type": "Object Deleted"},
    ],
)
def test_what_tells_of_no_new_object_is_none(said):
    assert read_notification(json.dumps(said)) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "[" * 100_000,
        "{}",
        '{"Records": 3}',
        '{"Records": [3]}',
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        json.dumps({"Records": [record(key=7)]}),
        json.dumps({"Records": [record(key="")]}),
        json.dumps({"Records": [record(eTag=None, sequencer=None)]}),
        json.dumps(sns("no object")),
        json.dumps({"Records": [record(key="\ud800.jpg")]}),
        json.dumps({"Records": [record(versionId="\ud800")]}),
        json.dumps(BRIDGE | {"detail": BRIDGE["detail"] | {"bucket": {"name": "\udfff"}}}),
    ],
)
def test_what_is_no_notification_is_a_payload_error(body):
    with pytest.raises(PayloadError, match="bad_notification"):
        read_notification(body)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "noon", 7])
def test_time_that_cannot_be_told_is_now(at):
    before = datetime.now(UTC)
    (found,) = read_notification(json.dumps({"Records": [record() | {"eventTime": at}]}))

    assert before <= found.at <= datetime.now(UTC)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["Records", "s3", "Type", "x"]), inner),
)


@given(json_values)
def test_any_json_is_read_or_refused(said):
    with suppress(PayloadError):
        read_notification(json.dumps(said))

"""Writes what S3 says of a new object in the three ways in which it comes out of a queue."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

REGION = "us-east-1"
TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"})


def direct(bucket: str, key: str, sequencer: str) -> str:
    """Return a notification of S3 itself; the key is form-encoded, as AWS does it."""
    found = {"key": quote_plus(key), "size": 1024, "eTag": "0f", "sequencer": sequencer}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": _now(),
        "eventName": "ObjectCreated:Put",
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": found},
    }
    return json.dumps({"Records": [record]})


def by_sns(bucket: str, key: str, sequencer: str) -> str:
    """Return it as a topic of SNS hands it on: as text within."""
    said = direct(bucket, key, sequencer)
    topic = f"arn:aws:sns:{REGION}:000000000000:photos"
    return json.dumps({"Type": "Notification", "TopicArn": topic, "Message": said, "Timestamp": _now()})


def by_bridge(bucket: str, key: str, sequencer: str) -> str:
    """Return it as EventBridge says it; the key is as it is."""
    found = {"key": key, "size": 1024, "etag": "0f", "sequencer": sequencer}
    detail: dict[str, Any] = {"version": "0", "bucket": {"name": bucket}, "object": found}
    said = {"version": "0", "source": "aws.s3", "detail-type": "Object Created", "time": _now()}
    return json.dumps(said | {"region": REGION, "detail": detail | {"reason": "PutObject"}})


WAYS = (direct, by_sns, by_bridge)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

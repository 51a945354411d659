"""What an S3 server's errors mean, and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.errors import DeliveryError
from hub.plugin import RetryLater

BUSY = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
    | {"RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted"}
    | {"ConditionalRequestConflict"}
)
ABSENT = frozenset({"NoSuchKey", "404"})
TAKEN = frozenset({"PreconditionFailed", "412"})
UNSUPPORTED = frozenset({"NotImplemented", "501", "InvalidArgument", "InvalidRequest", "MethodNotAllowed"})
"""What servers say that do not know a condition; the same request without it then shows if that was why."""
ADVICE = {
    "AccessDenied": "allow these credentials s3:PutObject, s3:GetObject and s3:ListBucket on it",
    "403": "allow these credentials s3:PutObject, s3:GetObject and s3:ListBucket on it",
    "NoSuchBucket": "make the bucket, or correct `bucket`",
    "PermanentRedirect": "the bucket is in another region: set `region`",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set `region`",
    "InvalidAccessKeyId": "check AWS_ACCESS_KEY_ID or `profile`",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY or `profile`",
    "ExpiredToken": "renew the credentials",
    "RequestTimeTooSkewed": "set this machine's clock",
    "InvalidStorageClass": "this store does not know `storage_class`",
    "InvalidObjectState": "the object is in a cold storage class: restore it there first",
    "KMS.NotFoundException": "correct `kms_key`",
    "KMS.DisabledException": "enable the key of `kms_key`",
    "EntityTooLarge": "this store takes no objects as large as that",
}


def retry_after_s(metadata: Mapping[str, Any]) -> float:
    """Return the seconds that an answer asks to wait, 0 where it does not."""
    found = str(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    return float(found) if found.isdecimal() and len(found) <= 5 else 0.0


def explain_answer(place: str, response: Mapping[str, Any]) -> Exception:
    """Return what to raise for an error that a server answered with, in botocore's form."""
    error = response.get("Error", {})
    code, metadata = str(error.get("Code", "")), response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    if code in BUSY or status >= 500 or status in {408, 429}:
        return RetryLater(retry_after_s(metadata), f"{place}: {code or status}: the store is busy")
    said = str(error.get("Message", "")) or "see the store's documentation"
    return DeliveryError(f"{place}: {code or status} ({ADVICE.get(code, said)})")

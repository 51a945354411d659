"""What Rekognition's errors mean: try later, wait for somebody, give the picture up, or no face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.errors import DeliveryError
from hub.plugin import Reject, RetryLater
from plugins.s3_errors import retry_after_s

BUSY_S = 2.0
DOWN_S = 10.0
BUSY = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "Throttling",
        "TooManyRequestsException",
    }
)
NO_FACE = frozenset({"compare-faces", "search-faces"})
HOPELESS = {
    "InvalidImageFormatException": "the picture is not one that Rekognition reads",
    "ImageTooLargeException": "the picture is too large for Rekognition",
    "InvalidS3ObjectException": "Rekognition cannot read the object in S3",
    "InvalidParameterException": "Rekognition refuses the picture or a parameter",
}
WAITING = {
    "AccessDeniedException": "allow these credentials the rekognition: call, and s3:GetObject on the bucket",
    "ExpiredTokenException": "renew the credentials",
    "ExpiredToken": "renew the credentials",
    "UnrecognizedClientException": "check AWS_ACCESS_KEY_ID or `profile`",
    "InvalidClientTokenId": "check AWS_ACCESS_KEY_ID or `profile`",
    "InvalidSignatureException": "check AWS_SECRET_ACCESS_KEY, and this machine's clock",
    "IncompleteSignatureException": "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "MissingAuthenticationTokenException": "check the credentials",
    "ResourceNotFoundException": "correct `version_arn` or `collection`, or make it",
    "ResourceNotReadyException": "the model does not run: start it, or ask by the batch",
    "LimitExceededException": "stop a model, or ask Amazon for more",
    "UnknownOperationException": "correct `endpoint_url`",
}


class UnansweredError(DeliveryError):
    """It is not known whether the call was made; Amazon may charge for it."""


def judge(operation: str, response: Mapping[str, Any], pause_s: float) -> Exception:
    """Return what to raise for an error that Rekognition answered with, in botocore's form.

    Args:
        pause_s: How long to wait for what only a person can mend.
    """
    error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    code, status = str(error.get("Code", "")), int(metadata.get("HTTPStatusCode", 0))
    asked_s = retry_after_s(metadata)
    if code in BUSY or status in {408, 429}:
        return RetryLater(max(asked_s, BUSY_S), f"{operation}: {code or status}: Rekognition throttles")
    if code in HOPELESS:
        return Reject(f"{operation}: {code}: {HOPELESS[code]} ({_said(error)})")
    if status >= 500:
        return RetryLater(max(asked_s, DOWN_S), f"{operation}: {code or status}: Rekognition is down")
    advice = WAITING.get(code, "see Amazon's documentation")
    return RetryLater(pause_s, f"{operation}: {code or status} ({advice}): {_said(error)}")


def no_face(operation: str, response: Mapping[str, Any]) -> str | None:
    """Return what Rekognition says where a picture has no face to compare, None where it says another thing.

    Amazon tells that by InvalidParameterException, for CompareFaces without naming faces.
    """
    error = response.get("Error", {})
    if operation in NO_FACE and error.get("Code") == "InvalidParameterException":
        return _said(error)
    return None


def _said(error: Mapping[str, Any]) -> str:
    text = str(error.get("Message", ""))[:200]
    return "".join(c if c.isprintable() else "?" for c in text) or "no reason given"

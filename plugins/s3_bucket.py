"""Writes objects to one S3 bucket, at AWS or any store that speaks S3, and says what its errors mean."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from hub.errors import DeliveryError
from hub.plugin import RetryLater

CONNECT_S = 5
READ_S = 10
ATTEMPTS = 3

_BUSY = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
    | {"RequestTimeout", "InternalError", "ServiceUnavailable"}
)
_ADVICE = {
    "AccessDenied": "allow these credentials s3:PutObject and s3:GetObject on it",
    "NoSuchBucket": "make the bucket, or correct `bucket`",
    "PermanentRedirect": "the bucket is in another region: set `region`",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set `region`",
    "InvalidAccessKeyId": "check AWS_ACCESS_KEY_ID or `profile`",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY or `profile`",
    "ExpiredToken": "renew the credentials",
}


def _retry_after_s(metadata: dict[str, Any]) -> float:
    found = str(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    return float(found) if found.isdecimal() and len(found) <= 5 else 0.0


class Bucket:
    """A bucket, entered once: its client and connections last as long as the plugin.

    Args:
        endpoint_url: None for AWS.
        profile: A profile of the AWS configuration files; None for the usual environment.
    """

    def __init__(
        self, name: str, *, prefix: str, endpoint_url: str | None, region: str | None, profile: str | None
    ) -> None:
        self.name = name
        self._prefix = prefix
        self._endpoint_url = endpoint_url
        self._region = region
        self._profile = profile
        self._client: Any = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import AioSession

        config = AioConfig(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # Other stores than AWS know neither host-style buckets nor the newer checksums.
            s3={"addressing_style": "path" if self._endpoint_url else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        making = AioSession(profile=self._profile).create_client(
            "s3", region_name=self._region, endpoint_url=self._endpoint_url, config=config
        )
        self._client = await self._stack.enter_async_context(making)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def link(self, key: str) -> str:
        """Return the object's address."""
        endpoint = str(self._client.meta.endpoint_url).rstrip("/")
        return f"{endpoint}/{self.name}/{quote(self._prefix + key)}"

    async def write(self, key: str, data: bytes, content_type: str) -> None:
        """Put an object.

        Raises:
            RetryLater: The store is busy or fails on its side.
            DeliveryError: It refuses, or cannot be reached; the text says what to do.
        """
        await self._call("put_object", Key=self._prefix + key, Body=data, ContentType=content_type)

    async def read(self, key: str) -> bytes | None:
        """Return an object's bytes, or None when there is none.

        Raises:
            RetryLater, DeliveryError: As for `write`.
        """
        answer = await self._call("get_object", Key=self._prefix + key)
        if answer is None:
            return None
        async with answer["Body"] as body:
            return bytes(await body.read())

    async def _call(self, operation: str, **parameters: Any) -> Any:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
        )

        try:
            return await getattr(self._client, operation)(Bucket=self.name, **parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "NoSuchKey":
                return None
            raise self._explain(code, dict(error.response.get("ResponseMetadata", {}))) from error
        except BotoCoreError as error:
            raise DeliveryError(f"s3://{self.name}: {error}") from error

    def _explain(self, code: str, metadata: dict[str, Any]) -> Exception:
        status = int(metadata.get("HTTPStatusCode", 0))
        if code in _BUSY or status >= 500:
            return RetryLater(
                _retry_after_s(metadata), f"s3://{self.name}: {code or status}: the store is busy"
            )
        advice = _ADVICE.get(code, "see the store's documentation")
        return DeliveryError(f"s3://{self.name}: {code or status} ({advice})")

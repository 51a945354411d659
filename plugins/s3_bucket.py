"""An archive in an S3 bucket, at AWS or any store that speaks S3."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from hub.aws import Access, make_client
from hub.errors import DeliveryError
from hub.plugin import Reject, RetryLater
from plugins.archive_place import Listed
from plugins.s3_errors import ABSENT, TAKEN, UNSUPPORTED, explain_answer
from plugins.s3_upload import PART_BYTES, upload_in_parts

log = logging.getLogger(__name__)

OWNER = "lenshub-event"
SENT_UNASKED_BYTES = 1024 * 1024
"""Of `bytes` botocore makes a file, asks whether it may send it, and waits; of a bytearray it does not."""
_PLAIN_ETAG = re.compile(r'"?([0-9a-f]{32})"?')
_ERROR_BODY = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?<Error>.{0,500}?<Code>(\w{1,60})</Code>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How objects are kept; `storage_class` is not for those that are read or written again."""

    storage_class: str | None = None
    kms_key: str | None = None

    def parameters(self, *, changing: bool) -> dict[str, Any]:
        """Return what a request that makes an object says of it."""
        found: dict[str, Any] = {}
        if self.storage_class is not None and not changing:
            found["StorageClass"] = self.storage_class
        if self.kms_key is not None:
            found |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}
            found["BucketKeyEnabled"] = True  # one request to KMS for many objects
        return found


class _Answered(Exception):  # noqa: N818 - an answer, which may well be expected
    """The server answered with an error: its code, and botocore's form of all of it."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        super().__init__()
        self.code = str(response.get("Error", {}).get("Code", ""))
        self.response = response


class Bucket:
    """A bucket, entered once: its client and connections last as long as the plugin."""

    def __init__(self, name: str, prefix: str, access: Access, keeping: Keeping) -> None:
        self.name = f"s3://{name}/{prefix}".rstrip("/")
        self._bucket = name
        self._prefix = prefix
        self._access = access
        self._keeping = keeping
        self._conditional = True
        self._client: Any = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._client = await self._stack.enter_async_context(make_client(self._access))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def link(self, key: str) -> str:
        """Return the object's address."""
        endpoint = str(self._client.meta.endpoint_url).rstrip("/")
        return f"{endpoint}/{self._bucket}/{quote(self._prefix + key)}"

    def address(self, key: str) -> str:
        """Return the object's address for programs that speak S3: s3://bucket/key."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    async def add(self, key: str, data: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """Put an object unless it is there already; what is there is never overwritten.

        Raises:
            Reject: Another event's object is there.
            RetryLater: The store is busy or fails on its side.
            DeliveryError: It refuses, or cannot be reached; the text says what to do.
        """
        making = {"ContentType": content_type, "Metadata": dict(metadata)}
        making |= self._keeping.parameters(changing=False)
        if self._conditional and await self._add_if_absent(key, data, metadata, making):
            return
        if not self._conditional and await self._is_ours(key, data, metadata):
            return
        await self._put(key, data, making)

    async def _add_if_absent(
        self, key: str, data: bytes, metadata: Mapping[str, str], making: dict[str, Any]
    ) -> bool:
        """Let the server decide whether to write; return False where what is there has to be written over."""
        try:
            await self._put(key, data, making | {"IfNoneMatch": "*"}, tell=TAKEN | UNSUPPORTED)
        except _Answered as answered:
            if answered.code in TAKEN:
                return await self._is_ours(key, data, metadata)
            self._conditional = False
            log.info(
                "archive.unconditional %s answers If-None-Match with %s: asking first what is there",
                self.name,
                answered.code,
            )
            return False
        return True

    async def _is_ours(self, key: str, data: bytes, metadata: Mapping[str, str]) -> bool:
        """Return whether this event's object is there; False where none is, Reject where it is another's."""
        head = await self._call("head_object", key)
        if head is None:
            return False
        if head.get("Metadata", {}).get(OWNER) == metadata[OWNER]:
            return True
        if head.get("ContentLength") == len(data) and await self.read(key) == data:
            return True
        raise Reject(
            f"{self.name}: {key} is there already, and not of this event: give this hub a `prefix` of its own"
        )

    async def replace(self, key: str, data: bytes, content_type: str) -> None:
        """Put an object in place of what is there; raises as `add`."""
        await self._put(key, data, {"ContentType": content_type} | self._keeping.parameters(changing=True))

    async def _put(
        self, key: str, data: bytes, making: dict[str, Any], tell: frozenset[str] = frozenset()
    ) -> None:
        if len(data) > PART_BYTES:
            async with self._explaining(tell):
                await upload_in_parts(self._client, self._bucket, self._prefix + key, data, making)
            return
        body = bytearray(data) if len(data) <= SENT_UNASKED_BYTES else data
        answer = await self._call("put_object", key, tell, Body=body, **making)
        if not (answer or {}).get("ETag"):
            raise RetryLater(0, f"{self.name}: the answer to writing {key} does not say that it was written")

    async def read(self, key: str) -> bytes | None:
        """Return an object's bytes, or None when there is none.

        Raises:
            RetryLater, DeliveryError: As for `add`; also for an answer that ends early or is an error.
        """
        answer = await self._call("get_object", key)
        if answer is None:
            return None
        async with self._explaining(), answer["Body"] as body:
            data = bytes(await body.read())
        length = answer.get("ContentLength")
        if length is not None and length != len(data):
            raise RetryLater(0, f"{self.name}: {key} ended after {len(data)} of {length} bytes")
        if found := _ERROR_BODY.match(data):
            raise RetryLater(0, f"{self.name}: {found[1].decode()} in an answer of status 200")
        return data

    async def sha256(self, key: str) -> str | None:
        """Return the SHA-256 that was kept with an object; None where there is none."""
        head = await self._call("head_object", key)
        found: str | None = (head or {}).get("Metadata", {}).get("lenshub-sha256")
        return found

    async def listed(self) -> AsyncIterator[tuple[str, Listed]]:
        """Yield every key below the prefix; a thousand a request."""
        more: dict[str, str] = {}
        while True:
            answer = await self._list(more)
            for item in answer.get("Contents", ()):
                etag = _PLAIN_ETAG.fullmatch(str(item.get("ETag", "")))
                yield item["Key"].removeprefix(self._prefix), Listed(item["Size"], etag[1] if etag else None)
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    async def _list(self, more: dict[str, str]) -> Mapping[str, Any]:
        async with self._explaining():
            listing: Mapping[str, Any] = await self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, **more
            )
        return listing

    async def _call(self, operation: str, key: str, tell: frozenset[str] = frozenset(), **more: Any) -> Any:
        """Make a request about one object; None where there is no such object."""
        try:
            async with self._explaining(tell | ABSENT):
                return await getattr(self._client, operation)(
                    Bucket=self._bucket, Key=self._prefix + key, **more
                )
        except _Answered as answered:
            if answered.code in ABSENT:
                return None
            raise

    @asynccontextmanager
    async def _explaining(self, tell: frozenset[str] = frozenset()) -> AsyncIterator[None]:
        """Turn errors into what a delivery may raise; those of a code in `tell` into _Answered."""
        from aiohttp import ClientError as ConnectionEnded
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except ClientError as error:
            answered = _Answered(error.response)
            raise answered if answered.code in tell else explain_answer(self.name, error.response) from error
        except (BotoCoreError, HTTPClientError) as error:
            raise DeliveryError(f"{self.name}: {error}") from error
        except (ConnectionEnded, ConnectionError, TimeoutError) as error:
            raise DeliveryError(f"{self.name}: {type(error).__name__}: {error}") from error


def md5_of(data: bytes) -> str:
    """Return what S3 lists as the ETag of plainly kept bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()

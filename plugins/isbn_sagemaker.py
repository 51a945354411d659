"""Asks a SageMaker endpoint for the probabilities of a picture's classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from hub.aws import Access, make_client
from hub.errors import DeliveryError
from hub.plugin import Reject, RetryLater
from plugins.isbn_answer import AnswerError, load_json, read_guesses
from plugins.isbn_http import REFUSED_S, RETRY_S, write_answer, write_unusable
from plugins.isbn_settings import SageMakerSettings

MAX_BYTES = 1_048_576
_BUSY = ("Throttling", "ModelNotReady", "ServiceUnavailable", "InternalFailure", "InternalDependency")
_ADVICE = {
    "AccessDeniedException": "allow these credentials sagemaker:InvokeEndpoint on it",
    "ExpiredTokenException": "renew the credentials",
    "UnrecognizedClientException": "check AWS_ACCESS_KEY_ID or `profile`",
    "InvalidSignatureException": "check AWS_SECRET_ACCESS_KEY or `profile`, and this machine's clock",
    "ValidationError": "is the endpoint's name right, and is it in service in this region?",
    "ValidationException": "is the endpoint's name right, and is it in service in this region?",
}


class SageMakerClassifier:
    """One endpoint; with credentials by environment, profile or role, as AWS is configured."""

    def __init__(self, settings: SageMakerSettings, classes: Sequence[str] | None) -> None:
        self._settings = settings
        self._classes = classes
        self._client: Any = None
        self._stack = AsyncExitStack()
        self.name = settings.endpoint

    async def __aenter__(self) -> Self:
        settings = self._settings
        access = Access(settings.endpoint_url, settings.region, settings.profile)
        # Asks once: the hub asks again, and counts what each request costs.
        making = make_client(access, "sagemaker-runtime", attempts=1, read_s=settings.timeout_s)
        self._client = await self._stack.enter_async_context(making)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def ask(self, jpeg: bytes) -> JsonValue:
        """Send a picture and return what is kept of the answer.

        Raises:
            RetryLater: It was not looked at, now.
            Reject: The model refused it.
            DeliveryError: It may have been looked at, and no answer came.
        """
        from aiohttp import ClientError as ConnectionEnded
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
            HTTPClientError,
        )

        try:
            answer = await self._client.invoke_endpoint(
                EndpointName=self.name,
                ContentType="application/x-image",
                Accept="application/json",
                Body=jpeg,
            )
            body = await _read_body(answer["Body"])
        except ClientError as error:
            raise self._judge(error.response) from error
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise RetryLater(RETRY_S, f"SageMaker {self.name} cannot be reached") from error
        except (HTTPClientError, ConnectionEnded, TimeoutError) as error:
            raise DeliveryError(f"SageMaker {self.name} did not answer") from error
        except BotoCoreError as error:
            raise RetryLater(REFUSED_S, f"SageMaker {self.name}: {error}") from error
        return self._read(body, str(answer.get("InvokedProductionVariant") or "unknown"))

    def _read(self, body: bytes, variant: str) -> JsonValue:
        place = f"SageMaker {self.name} answered what cannot be used"
        if len(body) > MAX_BYTES:
            return write_unusable(AnswerError(f"{place}: it has more than {MAX_BYTES} bytes"))
        try:
            guesses = read_guesses(load_json(body), self._classes)
        except AnswerError as error:
            return write_unusable(AnswerError(f"{place}: {error}"))
        return write_answer(self.name, variant, guesses)

    def _judge(self, response: Mapping[str, Any]) -> RetryLater | Reject:
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        original = response.get("OriginalStatusCode")
        if code == "ModelError" and isinstance(original, int) and 400 <= original < 500:
            return Reject(f"SageMaker {self.name}: the model refused the picture: {original}")
        if status >= 500 or code == "ModelError" or code.startswith(_BUSY):
            return RetryLater(RETRY_S, f"SageMaker {self.name}: {code or status}: it is busy")
        advice = _ADVICE.get(code, "see Amazon's documentation")
        return RetryLater(REFUSED_S, f"SageMaker {self.name}: {code or status} ({advice})")


async def _read_body(stream: Any) -> bytes:
    """Return a body, or of a larger one so much that it shows."""
    body = b""
    async with stream:
        while len(body) <= MAX_BYTES and (more := await stream.read(MAX_BYTES)):
            body += more
    return body

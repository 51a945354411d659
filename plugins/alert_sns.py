"""Publishes notices to a topic of Amazon SNS."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.aws import Access, make_client
from hub.event import Name
from hub.plugin import RetryLater
from plugins.alert_notice import Notice, Unanswered
from plugins.alert_webhook import encode_notice

READ_S = 15
RETRY_S = 10.0
REFUSED_S = 300.0
MAX_SUBJECT_CHARS = 100
_BUSY = ("Throttl", "KMSThrottling", "InternalError", "InternalFailure", "ServiceUnavailable")
_ADVICE = {
    "AuthorizationError": "allow these credentials sns:Publish on it",
    "AccessDenied": "allow these credentials sns:Publish on it",
    "NotFound": "make the topic, or correct `topic_arn`",
    "InvalidClientTokenId": "check AWS_ACCESS_KEY_ID or `profile`",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY or `profile`",
    "ExpiredToken": "renew the credentials",
}

TopicArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$", max_length=400
    ),
]
Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+/?$", max_length=300)]


class SnsSettings(BaseModel):
    """One `sns` table: the topic, and whose credentials are used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic_arn: TopicArn = Field(description="the topic, standard or FIFO")
    profile: Name | None = Field(default=None, description="a profile of the AWS configuration files")
    endpoint_url: Endpoint | None = Field(default=None, description="of a service other than AWS")


class SnsTopic:
    """One topic. Text only; a FIFO topic knows repeats (within five minutes, as SNS does), others do not."""

    takes_pictures = False

    def __init__(self, settings: SnsSettings) -> None:
        self._settings = settings
        parts = settings.topic_arn.split(":")
        self._region = parts[3]
        self._fifo = parts[-1].endswith(".fifo")
        self._client: Any = None
        self._stack = AsyncExitStack()
        self.repeatable = self._fifo
        self.name = f"SNS {parts[-1]}"
        self.identity = settings.topic_arn

    async def __aenter__(self) -> Self:
        access = Access(self._settings.endpoint_url, self._region, self._settings.profile)
        # Asks once: the hub has retries of its own, and knows which outcome is open.
        making = make_client(access, "sns", attempts=1, read_s=READ_S)
        self._client = await self._stack.enter_async_context(making)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def send(self, notice: Notice) -> None:
        """Publish one notice: its title as the subject, and for those who parse it JSON as an attribute.

        Raises:
            RetryLater: SNS refused it or could not be reached.
            Unanswered: It may have arrived.
        """
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
            HTTPClientError,
            SSLError,
        )

        try:
            await self._client.publish(**self._message(notice))
        except ClientError as error:
            raise self._judge(error.response) from error
        except (EndpointConnectionError, ConnectTimeoutError, SSLError) as error:
            raise RetryLater(RETRY_S, f"{self.name} cannot be reached") from error
        except HTTPClientError as error:
            if self.repeatable:
                raise RetryLater(RETRY_S, f"{self.name} did not answer") from error
            raise Unanswered(f"{self.name} did not answer") from error
        except BotoCoreError as error:
            raise RetryLater(REFUSED_S, f"{self.name}: {error}") from error

    def _message(self, notice: Notice) -> dict[str, Any]:
        subject = notice.title.encode("ascii", "replace").decode().strip()[:MAX_SUBJECT_CHARS] or "alert"
        said = encode_notice(notice, with_picture=False).decode()
        message = {
            "TopicArn": self._settings.topic_arn,
            "Subject": " ".join(subject.split()),
            "Message": notice.body or notice.title,
            "MessageAttributes": {"lenshub": {"DataType": "String", "StringValue": said}},
        }
        if self._fifo:
            message |= {
                "MessageGroupId": str(notice.facts.get("plugin", "lenshub")),
                "MessageDeduplicationId": notice.id,
            }
        return message

    def _judge(self, response: Any) -> RetryLater:
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if status >= 500 or code.startswith(_BUSY):
            return RetryLater(RETRY_S, f"{self.name}: {code or status}: SNS is busy")
        advice = _ADVICE.get(code, "see Amazon's documentation")
        return RetryLater(REFUSED_S, f"{self.name}: {code or status} ({advice})")

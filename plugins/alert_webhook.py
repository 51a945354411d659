"""Posts notices as JSON to a URL, signed as Standard Webhooks asks, with a key that tells repeats."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from hub.guarded_address import ForbiddenUrlError, check_url
from hub.guarded_http import TIMEOUT_S, GuardedHttp, HttpFailure
from hub.plugin import RetryLater
from hub.wire.cloudevent import CONTENT_TYPE, NOTICE_TYPE, wrap
from plugins.alert_notice import Notice

if TYPE_CHECKING:
    from hub.guarded_http import Answer

RETRY_S = 10.0
REFUSED_S = 300.0
LONGEST_S = 3600.0
_PASSING = frozenset({408, 425, 429})


def _check_secret(name: str) -> str:
    if not os.environ.get(name):
        raise ValueError(f"the environment variable {name} is not set")
    return name


SecretName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200),
    AfterValidator(_check_secret),
]


class WebhookSettings(BaseModel):
    """One `webhooks` table: where to post, and which environment variable holds the signing secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[SecretStr, Field(max_length=2000)] = Field(
        description="https, at a public address unless allow_hosts has its host; never shown"
    )
    secret_env: SecretName | None = Field(
        default=None, description="the environment variable with the secret that signs requests"
    )
    format: Literal["plain", "cloudevents"] = Field(
        default="plain", description="the JSON itself, or as the data of a CloudEvent 1.0"
    )

    def check(self, allowed: Container[str]) -> None:
        """Raise ForbiddenUrlError where this URL must not be asked for."""
        check_url(self.url.get_secret_value(), allowed)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs bodies: HMAC-SHA256 over id, time and body. Source: standardwebhooks.com, version 1."""

    secret: bytes

    @classmethod
    def of(cls, text: str) -> Signer:
        """Return a signer for a secret: `whsec_` and base64, or any text."""
        encoded = text.removeprefix("whsec_")
        return cls(base64.b64decode(encoded) if encoded != text else text.encode())

    def sign(self, key: str, timestamp: int, body: bytes) -> str:
        """Return the value of the header `webhook-signature`."""
        signed = hmac.new(self.secret, f"{key}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(signed).decode()}"


def encode_notice(notice: Notice, *, with_picture: bool = True) -> bytes:
    """Return a notice as JSON in UTF-8."""
    return _to_json(_say(notice, with_picture=with_picture))


def encode_cloudevent(notice: Notice) -> bytes:
    """Return a notice as a CloudEvent; its id is the notice's, so that a repeat is known by it."""
    source = f"/lenshub/plugins/{quote(str(notice.facts.get('plugin')), safe='')}"
    said = _say(notice, with_picture=True)
    return _to_json(wrap(NOTICE_TYPE, source, notice.id, said, time=notice.stamp.isoformat()))


def _to_json(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


def _say(notice: Notice, *, with_picture: bool) -> dict[str, object]:
    said: dict[str, object] = {
        "id": notice.id,
        "notice": notice.kind,
        "alert": notice.alert,
        "title": notice.title,
        "body": notice.body,
        **notice.facts,
    }
    if with_picture and notice.picture is not None:
        data, name, media_type = notice.picture
        encoded = base64.b64encode(data).decode()
        said["picture"] = {"name": name, "media_type": media_type, "base64": encoded}
    return said


class Webhook:
    """One URL. Safe to repeat: `webhook-id` and `Idempotency-Key` are the notice's id."""

    takes_pictures = True
    repeatable = True

    def __init__(self, settings: WebhookSettings, allowed: frozenset[str]) -> None:
        self._url = settings.url.get_secret_value()
        host = check_url(self._url, allowed).host
        secret = os.environ.get(settings.secret_env or "")
        self._signer = Signer.of(secret) if secret else None
        self._cloudevents = settings.format == "cloudevents"
        self._http = GuardedHttp(allowed, timeout_s=TIMEOUT_S)
        self.name = f"webhook {host}"
        self.identity = self._url

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def send(self, notice: Notice) -> None:
        """Post one notice; any 2xx answer means that it arrived, whatever its body says.

        Raises:
            RetryLater: Any other answer, or none.
        """
        body = encode_cloudevent(notice) if self._cloudevents else encode_notice(notice)
        content_type = CONTENT_TYPE if self._cloudevents else "application/json; charset=utf-8"
        headers = {"Content-Type": content_type, "Idempotency-Key": notice.id}
        if self._signer is not None:
            at = int(time.time())
            signature = self._signer.sign(notice.id, at, body)
            headers |= {
                "webhook-id": notice.id,
                "webhook-timestamp": str(at),
                "webhook-signature": signature,
            }
        try:
            answer = await self._http.request("POST", self._url, body=body, headers=headers)
        except HttpFailure as error:
            raise RetryLater(RETRY_S, f"{self.name}: {error}") from error
        except ForbiddenUrlError as error:
            raise RetryLater(REFUSED_S, f"{self.name}: {error}") from error
        if not 200 <= answer.status < 300:
            raise self._judge(answer)

    def _judge(self, answer: Answer) -> RetryLater:
        after = answer.headers.get("retry-after", "")
        if answer.status >= 500 or answer.status in _PASSING:
            asked_s = float(after) if after.isdecimal() and len(after) < 9 else RETRY_S
            return RetryLater(min(asked_s, LONGEST_S), f"{self.name} answered {answer.status}")
        return RetryLater(REFUSED_S, f"{self.name} refused it: {answer.status}")

"""Asks an HTTP API for the probabilities of a picture's classes, as API Gateway and Chalice serve them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pydantic import JsonValue

from hub.guarded_address import ForbiddenUrlError, check_url
from hub.guarded_http import GuardedHttp, HttpFailure, TooLargeError
from hub.plugin import Reject, RetryLater
from plugins.isbn_answer import AnswerError, StatusError, load_json, read_guesses
from plugins.isbn_settings import HttpSettings

if TYPE_CHECKING:
    from hub.guarded_http import Answer

RETRY_S = 30.0
REFUSED_S = 300.0
LONGEST_S = 3600.0
_PASSING = frozenset({408, 425, 429})
_OURS = frozenset({401, 402, 403, 404, 405})
"""What no other picture would change: the key, the account or the URL is wrong."""


def write_answer(name: str, version: str, guesses: Sequence[tuple[str, float]]) -> JsonValue:
    """Return what is kept of a classifier's answer."""
    return {"name": name, "version": version, "guesses": [[label, p] for label, p in guesses]}


def write_unusable(error: Exception) -> JsonValue:
    """Return what is kept of an answer that was paid for and cannot be used, so that it is not paid again."""
    return {"unusable": str(error)}


class HttpClassifier:
    """An API at one URL."""

    def __init__(self, settings: HttpSettings, classes: Sequence[str] | None) -> None:
        allowed = frozenset(settings.allow_hosts)
        self._settings = settings
        self._classes = classes
        self._url = settings.url.get_secret_value()
        self._http = GuardedHttp(allowed, timeout_s=settings.timeout_s)
        self.name = check_url(self._url, allowed).host or ""

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def ask(self, jpeg: bytes) -> JsonValue:
        """Post a picture and return what is kept of the answer.

        Raises:
            RetryLater: It was not looked at, now.
            Reject: It was refused.
            HttpFailure: The request may have arrived, and no answer came.
        """
        headers, body = self._write(jpeg)
        try:
            answer = await self._http.request("POST", self._url, body=body, headers=headers)
        except TooLargeError as error:
            return write_unusable(error)
        except HttpFailure as error:
            if error.sent:
                raise
            raise RetryLater(RETRY_S, str(error)) from error
        except ForbiddenUrlError as error:
            raise RetryLater(REFUSED_S, f"{self.name}: {error}") from error
        return self._read(answer)

    def _write(self, jpeg: bytes) -> tuple[dict[str, str], bytes]:
        headers = {"Content-Type": "image/jpeg", "Accept": "application/json"}
        if self._settings.key_env is not None:
            headers[self._settings.key_header] = os.environ[self._settings.key_env]
        if self._settings.json_member is None:
            return headers, jpeg
        body = json.dumps({self._settings.json_member: base64.b64encode(jpeg).decode()}).encode()
        return headers | {"Content-Type": "application/json"}, body

    def _read(self, answer: Answer) -> JsonValue:
        if not 200 <= answer.status < 300:
            raise self._judge(answer.status, answer.headers)
        try:
            guesses = read_guesses(load_json(answer.body), self._classes, self._settings.path)
        except StatusError as error:
            raise self._judge(error.status, {}) from error
        except AnswerError as error:
            return write_unusable(AnswerError(f"{self.name} answered what cannot be used: {error}"))
        return write_answer(self.name, self._settings.version, guesses)

    def _judge(self, status: int, headers: Mapping[str, str]) -> RetryLater | Reject:
        after = headers.get("retry-after", "")
        if status >= 500 or status in _PASSING:
            asked_s = float(after) if after.isdecimal() and len(after) < 9 else RETRY_S
            return RetryLater(min(asked_s, LONGEST_S), f"{self.name} answered {status}")
        if status in _OURS or status < 400:
            said = f"{self.name} answered {status}{_elsewhere(headers)} (check url and key_env)"
            return RetryLater(REFUSED_S, said)
        return Reject(f"{self.name} refused the picture: {status}")


def _elsewhere(headers: Mapping[str, str]) -> str:
    """Return which host an answer leads to; the rest of the address may hold a secret."""
    with suppress(ValueError):
        if host := urlsplit(headers.get("location", "")).hostname:
            return f", to go to {host[:253]!a}"
    return ""

"""Asks Rekognition one thing about one picture: at the operation's rate, once, with its answer made plain."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from hub.aws import make_client
from hub.plugin import Calls, Image, PayloadError, Reject, RetryLater
from plugins.rekognition_errors import DOWN_S, UnansweredError, judge, no_face
from plugins.rekognition_picture import most_bytes, name_object, refuse_size, shrink
from plugins.rekognition_request import MEMBERS, Inquiry
from plugins.rekognition_settings import RekognitionSettings

READ_S = 20.0
PATIENCE_S = 5.0
MAX_ANSWER_CHARS = 200_000
"""Of JSON; a hundred faces with everything but landmarks are 150,000."""
LEFT_OUT = frozenset({"Landmarks", "DominantColors", "ImageProperties", "ResponseMetadata"})
"""What no detection is made of, and takes most of the room."""


def _send_as_stream(request: Any, **_: Any) -> None:
    """Hand aiohttp large requests as a file: it warns of long bytes, which it copies in one go."""
    if isinstance(request.body, bytes):
        request.body = io.BytesIO(request.body)


def thin(answer: Any) -> Any:
    """Return an answer without what is left out, at every depth."""
    if isinstance(answer, dict):
        return {name: thin(value) for name, value in answer.items() if name not in LEFT_OUT}
    return [thin(item) for item in answer] if isinstance(answer, list) else answer


class Asking:
    """The client, what each operation may be asked at, and what was asked since the start."""

    def __init__(self, settings: RekognitionSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._limiters: dict[str, Any] = {}
        self.client: Any = None
        self.calls: Counter[str] = Counter()
        self.spent = 0.0

    async def __aenter__(self) -> Self:
        access = self._settings.access(self._settings.endpoint_url)
        making = make_client(access, "rekognition", attempts=1, read_s=READ_S)
        self.client = await self._stack.enter_async_context(making)
        self.client.meta.events.register("before-send.rekognition", _send_as_stream)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def ask(self, inquiry: Inquiry, image: Image, calls: Calls) -> JsonValue:
        """Return an entry of what `decode` reads, paid for once.

        Raises:
            RetryLater, Reject: As `classify` says.
            PayloadError: `bad_answer`: what Rekognition answered is not Rekognition's.
            UnansweredError: It may have been paid for.
        """
        entry = await calls.ask(
            inquiry.operation,
            lambda: self._call(inquiry, image),
            price=inquiry.price,
            limits=self._settings.limits,
        )
        if isinstance(entry, dict) and "unreadable" in entry:
            raise PayloadError("bad_answer", f"{inquiry.operation}: {entry['unreadable']}")
        return entry

    async def _call(self, inquiry: Inquiry, image: Image) -> JsonValue:
        place = name_object(image, self.client.meta.region_name) if self._settings.use_s3 else None
        if place is None:
            return await self._request(inquiry, {"Bytes": await self._bytes(inquiry, image)})
        try:
            return await self._request(inquiry, place)
        except Reject as refused:
            # The object may have been replaced or be kept from Rekognition; we have read it.
            if "InvalidS3Object" not in str(refused) or len(image.data) > most_bytes(inquiry.operation):
                raise
            return await self._request(inquiry, {"Bytes": image.data})

    async def _bytes(self, inquiry: Inquiry, image: Image) -> bytes:
        most = most_bytes(inquiry.operation)
        if len(image.data) <= most:
            return image.data
        if self._settings.oversize == "reject":
            raise refuse_size(image, inquiry.operation)
        return await asyncio.to_thread(shrink, image.data, most)

    async def _request(self, inquiry: Inquiry, picture: dict[str, Any]) -> JsonValue:
        await self._take_turn(inquiry)
        told: dict[str, str] = {"operation": inquiry.operation}
        told |= {} if inquiry.model is None else {"model": inquiry.model}
        answer, note = await self._send(inquiry, picture)
        self.calls[inquiry.operation] += 1
        self.spent += inquiry.price
        if note is not None:
            return {**told, "answer": {}, "note": f"no face: {note}"}
        problem = _find_problem(inquiry, answer)
        return {"unreadable": problem} if problem else {**told, "answer": thin(answer)}

    async def _send(self, inquiry: Inquiry, picture: dict[str, Any]) -> tuple[Any, str | None]:
        """Return the answer, and what is said where there is no face."""
        from botocore.exceptions import ClientError

        try:
            arguments = inquiry.arguments(picture)
            return await send(self.client, inquiry.call, arguments, self._settings.pause_s), None
        except ClientError as error:
            note = no_face(inquiry.operation, error.response)
            if note is None:
                raise judge(inquiry.operation, error.response, self._settings.pause_s) from error
            return {}, note

    async def _take_turn(self, inquiry: Inquiry) -> None:
        """Wait for the operation's rate; beyond the patience of the hub with one picture it waits outside."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._limiter(inquiry).acquire()
        except TimeoutError as error:
            said = f"{inquiry.operation}: rate allows {inquiry.rate:g} calls a second"
            raise RetryLater(1 / inquiry.rate, said) from error

    def _limiter(self, inquiry: Inquiry) -> Any:
        """Return the operation's bucket; a second's worth may go at once."""
        from aiolimiter import AsyncLimiter

        if inquiry.operation not in self._limiters:
            most = max(inquiry.rate, 1.0)
            self._limiters[inquiry.operation] = AsyncLimiter(most, most / inquiry.rate)
        return self._limiters[inquiry.operation]


async def send(client: Any, call: str, arguments: dict[str, Any], pause_s: float) -> Any:
    """Make one request and return its answer; what cannot be read as one is None.

    Raises:
        ClientError: Rekognition answered with an error.
        RetryLater: It was not reached, or there are no credentials.
        UnansweredError: It was sent, but no answer came.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ConnectTimeoutError,
        EndpointConnectionError,
        HTTPClientError,
        SSLError,
    )

    try:
        return await getattr(client, call)(**arguments)
    except (EndpointConnectionError, ConnectTimeoutError, SSLError) as error:
        raise RetryLater(DOWN_S, f"{call}: Rekognition cannot be reached: {error}") from error
    except HTTPClientError as error:
        raise UnansweredError(f"{call}: Rekognition did not answer: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise RetryLater(pause_s, f"{call}: {error}") from error
    except (AttributeError, TypeError, ValueError):
        return None  # botocore's parser stumbles so over answers that are not as its model says


def _find_problem(inquiry: Inquiry, answer: Any) -> str | None:
    """Return what is wrong with an answer that came with status 200, None where nothing is."""
    if not isinstance(answer, dict) or not isinstance(answer.get(MEMBERS[inquiry.operation]), list):
        return f"the answer is not Rekognition's: it has no list {MEMBERS[inquiry.operation]}"
    try:
        size = len(json.dumps(thin(answer), allow_nan=False))
    except (TypeError, ValueError) as error:
        return f"the answer is not JSON: {error}"
    if size > MAX_ANSWER_CHARS:
        return f"the answer has {size} characters; at most {MAX_ANSWER_CHARS}"
    return None

"""A gate asked from TensorFlow Serving, by its REST interface, as the published one was."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Self

from hub.errors import HubError

if TYPE_CHECKING:
    from aiohttp import ClientSession

MAX_ANSWER_BYTES = 100_000


class GateDown(HubError):  # noqa: N818 - it says what the gate is
    """The gate gives no answer, or none that is a score."""


class TfServing:
    """Scores pictures. An async context manager.

    Args:
        url: Of the model's `:predict`.
        timeout_s: For one answer.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        from aiohttp import ClientSession, ClientTimeout

        self._session = ClientSession(timeout=ClientTimeout(total=self._timeout_s))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def score(self, data: bytes, width: int, height: int) -> float:
        """Return a picture's score, 0 to 1; raises GateDown. The size is not asked for."""
        from aiohttp import ClientError

        if self._session is None:
            raise GateDown(f"{self._url}: not open")
        try:
            async with self._session.post(self._url, json=ask(data), allow_redirects=False) as answer:
                said = await answer.content.read(MAX_ANSWER_BYTES + 1)
                while len(said) <= MAX_ANSWER_BYTES and not answer.content.at_eof():
                    said += await answer.content.read(MAX_ANSWER_BYTES + 1)
                status = answer.status
        except (ClientError, TimeoutError) as error:
            raise GateDown(f"{self._url}: {error or 'no answer in time'}") from error
        if status != 200:
            raise GateDown(f"{self._url}: answered HTTP {status}")
        return read_score(said, self._url)


def ask(data: bytes) -> dict[str, Any]:
    """Return the published request."""
    return {"signature_name": "serving_default", "instances": [{"b64": base64.b64encode(data).decode()}]}


def read_score(said: bytes, url: str) -> float:
    """Return the one score of an answer; raises GateDown."""
    try:
        found = json.loads(said[: MAX_ANSWER_BYTES + 1])["predictions"]
        while isinstance(found, list) and len(found) == 1:
            found = found[0]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        shown = said[:60].decode(errors="replace")
        raise GateDown(f"{url}: answered no score from 0 to 1 but {shown!r} ({len(said)} bytes)")
    return float(found)

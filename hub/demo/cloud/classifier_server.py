"""Stands in for an HTTP API that says which book a picture shows, as Chalice behind API Gateway does it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

CLASSES = ("001.ISBN479804573X", "002.ISBN4537256109", "003.ISBN4839964564")
"""The published training folders."""
Shape = Literal["list", "prediction", "probabilities", "predictions", "gateway", "names"]
HTML = "<html><body>502 Bad Gateway</body></html>"
TEN_MB = 10_000_000


class ClassifierServer:
    """Answers `POST /classify` with a probability for each class; the picture's digest says which is best.

    Attributes:
        shape: How the answer is wrapped.
        probabilities: What is answered instead.
        trouble: What it does instead of answering well: count, nan, infinity, strings, sums, negative, html,
            large, nothing, null, deep, stall, drop, busy (429 with Retry-After), error (500), refuse (400),
            key (403), lambda (an error inside of a 200), absent (a 404).
        requests: The headers and bodies that came.
    """

    def __init__(self, classes: Sequence[str] = CLASSES, shape: Shape = "probabilities") -> None:
        self.classes = tuple(classes)
        self.shape: Shape = shape
        self.probabilities: list[float] | None = None
        self.trouble: str | None = None
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._end = asyncio.Event()

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=20_000_000)
        application.router.add_post("/classify", self._classify)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/classify"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        await self._runner.cleanup()

    async def _classify(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        if self.trouble == "stall":
            await self._end.wait()
        if self.trouble == "drop" and request.transport is not None:
            request.transport.close()
        if (troubled := _TROUBLES.get(self.trouble or "")) is not None:
            status, text, headers = troubled
            return web.Response(status=status, text=text, headers=headers, content_type="application/json")
        return web.json_response(self._wrap(self.probabilities or self._look(body)))

    def _look(self, body: bytes) -> list[float]:
        """Return 0.9987 for one class, and the rest for the others."""
        count = len(self.classes)
        best = hashlib.sha256(body).digest()[0] % count
        rest = 0.0013 / max(count - 1, 1)
        return [0.9987 if number == best else rest for number in range(count)]

    def _wrap(self, probabilities: list[float]) -> Any:
        if self.shape == "list":
            return probabilities
        if self.shape == "names":
            return dict(zip(self.classes, probabilities, strict=True))
        if self.shape == "gateway":
            return {"statusCode": 200, "headers": {}, "body": json.dumps({"prediction": probabilities})}
        return {self.shape: probabilities}


_TROUBLES: dict[str, tuple[int, str, dict[str, str]]] = {
    "count": (200, "[0.5, 0.5, 0.0, 0.0, 0.0]", {}),
    "nan": (200, "[NaN, 0.5, 0.5]", {}),
    "infinity": (200, "[1e999, 0.5, 0.5]", {}),
    "strings": (200, '["0.9", "0.05", "0.05"]', {}),
    "sums": (200, "[0.9, 0.9, 0.9]", {}),
    "negative": (200, "[-0.5, 1.0, 0.5]", {}),
    "html": (200, HTML, {}),
    "large": (200, "[" + "0.1," * (TEN_MB // 4) + "0]", {}),
    "nothing": (200, "", {}),
    "null": (200, "null", {}),
    "deep": (200, "[" * 500_000, {}),
    "busy": (429, '{"message": "Too Many Requests"}', {"Retry-After": "7"}),
    "error": (500, HTML, {}),
    "refuse": (400, '{"Code": "BadRequestError", "Message": "not a picture"}', {}),
    "key": (403, '{"message": "Forbidden"}', {}),
    "lambda": (200, '{"statusCode": 500, "body": "oops"}', {}),
    "absent": (404, '{"message": "Not Found"}', {}),
}

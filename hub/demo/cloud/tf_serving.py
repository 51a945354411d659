"""Stands in for TensorFlow Serving with the text gate: the same model, asked by REST, one request each."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from pathlib import Path
from typing import Any, Literal, Self

from aiohttp import web

from hub.errors import PayloadError
from hub.gate.network import GateNetwork

MODEL = "text-detect"
Trouble = Literal["stall", "drop", "error", "html", "nan", "strings", "many", "large", "nothing", "deep"]
_TEXTS = {
    "html": "<html><body>502 Bad Gateway</body></html>",
    "nan": '{"predictions": [[NaN]]}',
    "strings": '{"predictions": [["0.9"]]}',
    "many": '{"predictions": [[0.1, 0.9]]}',
    "large": '{"predictions": [[0.5]], "more": "' + "x" * 10_000_000 + '"}',
    "nothing": "",
    "deep": '{"predictions": ' + "[" * 20_000 + "0.5" + "]" * 20_000 + "}",
}


class TfServing:
    """Answers `POST /v1/models/text-detect:predict` as the published gate was asked.

    Attributes:
        trouble: What it does instead of answering well.
        asked: How many requests came.
    """

    def __init__(self, model: Path = Path("text"), threads: int = 1, port: int = 0) -> None:
        self.trouble: Trouble | None = None
        self.asked = 0
        self._network = GateNetwork(model, threads)
        self._port = port
        self._end = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._network.__aenter__()
        application = web.Application(client_max_size=20_000_000)
        application.router.add_post(f"/v1/models/{MODEL}:predict", self._predict)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1/models/{MODEL}:predict"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._end.set()
        await self._runner.cleanup()
        await self._network.__aexit__(*exception)

    async def _predict(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.read()
        if self.trouble == "stall":
            await self._end.wait()
        if self.trouble == "drop" and request.transport is not None:
            request.transport.close()
        if self.trouble == "error":
            return _refuse(500, "out of memory")
        if self.trouble in _TEXTS:
            return web.Response(text=_TEXTS[self.trouble], content_type="application/json")
        return await self._answer(body)

    async def _answer(self, body: bytes) -> web.Response:
        try:
            pictures = _read(body)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            return _refuse(400, f"not the published request: {error}")
        try:
            scores = [[await self._network.score(picture, 0, 0)] for picture in pictures]
        except PayloadError as error:
            return _refuse(400, str(error))
        return web.json_response({"predictions": scores})


def _read(body: bytes) -> list[bytes]:
    asked: dict[str, Any] = json.loads(body)
    if asked["signature_name"] != "serving_default":
        raise ValueError(f"signature {asked['signature_name']!r}")
    return [base64.b64decode(instance["b64"], validate=True) for instance in asked["instances"]]


def _refuse(status: int, reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=status)

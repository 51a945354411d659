"""Stands before an S3 server and hands on every request, slowly; counts what was written."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
from aiohttp import web
from far_side import Pauses, serving
from moto.server import ThreadedMotoServer

BUCKET = "archive"
_OF_CONNECTIONS = {"host", "connection", "expect", "content-length", "transfer-encoding"}
LARGEST = 2**26


class SlowS3:
    """S3 for hubs that are killed. What was asked for is done, even if who asked is gone."""

    def __init__(self) -> None:
        self.url = ""
        self.pauses = Pauses()
        self.each = 3  # two pictures and a record
        self.written: Counter[str] = Counter()
        self.found: dict[str, bytes] = {}
        """What was in the bucket at the end."""
        self._behind = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._turn = asyncio.Lock()  # S3 decides about one write of a key after the other; moto may not
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret"}
        self._behind.start()
        self._stack.callback(self._behind.stop)
        host, port = self._behind.get_host_and_port()
        self._address = f"http://{host}:{port}"
        self._client().create_bucket(Bucket=BUCKET)
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        application = web.Application(client_max_size=LARGEST)
        application.router.add_route("*", "/{path:.*}", self._hand_on)
        self.url = await self._stack.enter_async_context(serving(application))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.found = self._objects()
        await self._stack.aclose()

    async def _hand_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self.pauses.around(), self._turn:
            status, headers, answer = await self._ask(request, body)
            if request.method == "PUT" and status == 200:
                self.written[request.path.removeprefix(f"/{BUCKET}/")] += 1
        return web.Response(status=status, headers=headers, body=answer)

    async def _ask(self, request: web.Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _OF_CONNECTIONS}
        url = self._address + request.raw_path
        async with self._session.request(request.method, url, headers=kept, data=body) as answer:
            told = {
                name: value for name, value in answer.headers.items() if name.lower() not in _OF_CONNECTIONS
            }
            return answer.status, told, await answer.read()

    def effects(self) -> int:
        """Return how many objects were written."""
        return len(self.written)

    def _objects(self) -> dict[str, bytes]:
        client, found = self._client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for item in page.get("Contents", ()):
                found[item["Key"]] = client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        return found

    def _client(self) -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=self._address, region_name="us-east-1")

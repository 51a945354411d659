"""Sends files to a running hub, as any other client of its HTTP door does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from hub.config import Config
from hub.errors import HubError
from hub.images.token import read_token
from hub.images.told import Tell, Told

AT_A_TIME = 8
ASK_EVERY_S = 1.0
WAIT_S = 400.0


async def send_files(config: Config, source: str, paths: Sequence[Path], tell: Tell) -> None:
    """Send files, and tell of each once its event is stored or refused.

    Raises:
        HubError: The hub takes no pictures by HTTP, or cannot be reached.
    """
    if config.http.listen is None:
        raise HubError(
            "the hub runs without [http] listen: set it and `lenshub reload`, or stop the hub for this"
        )
    token = read_token(config.hub.data_dir) or ""
    scheme = "https" if config.http.cert_file else "http"
    host, port = config.http.address
    base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    headers, slots = {"Authorization": f"Bearer {token}"}, asyncio.Semaphore(AT_A_TIME)
    timeout = aiohttp.ClientTimeout(total=WAIT_S)
    connector = aiohttp.TCPConnector(ssl=_own_certificate(config))
    try:
        async with (
            aiohttp.ClientSession(base, headers=headers, timeout=timeout, connector=connector) as client,
            asyncio.TaskGroup() as group,
        ):
            for path in paths:
                group.create_task(_send(client, source, path, slots, tell))
    except* (aiohttp.ClientError, TimeoutError) as group_of:
        error = group_of.exceptions[0]
        raise HubError(f"the hub cannot be reached at {base}: {error}") from error


def _own_certificate(config: Config) -> ssl.SSLContext | bool:
    """Trust the hub's own certificate by its file, whatever name it has: it is asked by its address."""
    if config.http.cert_file is None:
        return True
    context = ssl.create_default_context(cafile=str(config.http.cert_file))
    context.check_hostname = False
    return context


async def _send(
    client: aiohttp.ClientSession, source: str, path: Path, slots: asyncio.Semaphore, tell: Tell
) -> None:
    async with slots:
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            reason = {"code": "file_unreadable", "reason": error.strerror or str(error)}
            tell(Told(path, "refused", error=reason))
            return
        query = {"source": source, "name": path.name}
        async with client.post("/v1/images", params=query, data=data) as response:
            said = await response.json()
        while said.get("state") == "waiting":
            await asyncio.sleep(ASK_EVERY_S)
            async with client.get(said["ask"]) as response:
                said = await response.json()
        tell(_told(path, said))


def _told(path: Path, said: dict[str, Any]) -> Told:
    return Told(path, said.get("state", "refused"), said.get("event"), said.get("error"))

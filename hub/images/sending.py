"""Sends files to a running hub, as any other client of its HTTP door does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from hub.config import Config
from hub.errors import HubError
from hub.images.offer import Unreadable
from hub.images.plain_file import read_file
from hub.images.token import read_token
from hub.images.told import Tell, Told, not_asked
from hub.images.uploads import key_of

AT_A_TIME = 8
ASK_EVERY_S = 1.0
WAIT_S = 400.0
LAST_WORD_S = 30.0
SENT = {"code": "waiting", "reason": "it was sent; the hub goes on with what it got"}


async def send_files(
    config: Config, source: str, paths: Sequence[Path], tell: Tell, timeout_s: float
) -> None:
    """Send files, and tell of each once its event is stored or refused.

    Args:
        timeout_s: When nothing was answered for so long, those that the hub has are told of as waiting.

    Raises:
        HubError: The hub takes no pictures by HTTP, or cannot be reached; or the time is up.
    """
    if config.http.listen is None:
        raise HubError(
            "the hub runs without [http] listen: set it and `lenshub reload`, or stop the hub for this"
        )
    token = read_token(config.hub.data_dir) or ""
    scheme = "https" if config.http.cert_file else "http"
    host, port = config.http.address
    base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=WAIT_S)
    connector = aiohttp.TCPConnector(ssl=_own_certificate(config))
    try:
        async with aiohttp.ClientSession(
            base, headers=headers, timeout=timeout, connector=connector
        ) as client:
            most = config.limits.max_picture_bytes
            await _Sending(client, source, paths, most, tell).run(timeout_s)
    except* (aiohttp.ClientError, TimeoutError) as group_of:
        error = group_of.exceptions[0]
        raise HubError(f"the hub cannot be reached at {base}: {str(error) or 'no answer'}") from error


def _own_certificate(config: Config) -> ssl.SSLContext | bool:
    """Trust the hub's own certificate by its file, whatever name it has: it is asked by its address."""
    if config.http.cert_file is None:
        return True
    context = ssl.create_default_context(cafile=str(config.http.cert_file))
    context.check_hostname = False
    return context


class _Sending:
    """Files on their way to a hub."""

    def __init__(
        self, client: aiohttp.ClientSession, source: str, paths: Sequence[Path], most: int, tell: Tell
    ) -> None:
        self._client = client
        self._source = source
        self._paths = paths
        self._most = most
        self._tell = tell
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._asked: dict[Path, str] = {}
        self._done: set[Path] = set()

    async def run(self, timeout_s: float) -> None:
        """Send all; raises HubError when nothing was answered for `timeout_s`."""
        self._timeout_s = timeout_s
        try:
            async with asyncio.timeout(timeout_s) as self._deadline, asyncio.TaskGroup() as group:
                for path in self._paths:
                    group.create_task(self._send(path))
        except TimeoutError:
            if not self._deadline.expired():
                raise
            await self._give_up()
        except asyncio.CancelledError:
            for path in self._asked.keys() - self._done:
                self._tell(Told(path, "waiting", error=SENT))
            raise

    async def _send(self, path: Path) -> None:
        async with self._slots:
            try:
                data, _ = await asyncio.to_thread(read_file, path, self._most)
            except Unreadable as error:
                self._note(Told(path, "refused", error={"code": error.code, "reason": error.reason}))
                return
            self._asked[path] = f"/v1/images/{quote(key_of(self._source, sha256(data).hexdigest()), safe='')}"
            query = {"source": self._source, "name": path.name}
            async with self._client.post("/v1/images", params=query, data=data) as response:
                said = await response.json()
            while said.get("state") == "waiting":
                await asyncio.sleep(ASK_EVERY_S)
                said = await self._ask(said["ask"])
            self._note(_told(path, said))

    async def _ask(self, place: str) -> dict[str, Any]:
        async with self._client.get(URL(place, encoded=True)) as response:
            said: dict[str, Any] = await response.json()
        return said

    def _note(self, one: Told) -> None:
        self._done.add(one.path)
        self._tell(one)
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._timeout_s)

    async def _give_up(self) -> None:
        """Tell of the rest as the hub has it: what it took in it goes on with."""
        waiting = 0
        async with asyncio.timeout(LAST_WORD_S):
            for path in (one for one in self._paths if one not in self._done):
                said = await self._ask(self._asked[path]) if path in self._asked else {}
                waiting += said.get("state") == "waiting"
                self._tell(
                    _told(path, said) if "state" in said else not_asked(path, "the hub has not got it")
                )
        raise HubError(
            f"no answer for {self._timeout_s:g} s: the hub has {waiting} of the pictures and goes on with "
            "them (`lenshub plugins` says what it waits for); what was not asked lies where it was"
        )


def _told(path: Path, said: dict[str, Any]) -> Told:
    state = said.get("state", "refused")
    goes_on = (
        {"code": "waiting", "reason": "the hub has it and goes on with it"} if state == "waiting" else None
    )
    return Told(path, state, said.get("event"), said.get("error", goes_on))

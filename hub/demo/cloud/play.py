"""Runs the cloud demo: local servers here, the hub as a process of its own, pictures for some seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import aiohttp

from hub.demo.cloud.account import ENVIRONMENT
from hub.demo.cloud.classifier_server import ClassifierServer
from hub.demo.cloud.feed import Feed
from hub.demo.cloud.pictures import BOOKS
from hub.demo.cloud.rekognition_models import ProjectVersion
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.demo.cloud.setting import (
    DOES,
    QUEUE,
    THUMBS,
    VERSION,
    Addresses,
    CloudSetting,
    lay_out_cloud,
)
from hub.demo.cloud.storage_server import StorageServer
from hub.demo.cloud.summary import CloudSummary, sum_up_cloud
from hub.demo.cloud.telling import CloudTeller
from hub.demo.programs import last_words, running, wait_until_ready
from hub.demo.summary import is_settled
from hub.errors import HubError
from hub.store import overview
from hub.store.database import Database

STEP_S = 0.25
LOOK_S = 0.25
ENDING_S = 8.0
"""About how long it takes to come to an end once nothing is sent any more."""
SETTLE_S = 90.0
REFILL_S = 30.0
ANSWERS_AFTER_S = 0.1


async def play_cloud(
    parent: Path, seconds: float | None, stop: asyncio.Event, tell: Callable[[str], None]
) -> tuple[CloudSummary, list[str]]:
    """Send pictures for about `seconds` from when the hub is ready, or until `stop` is set.

    Returns:
        The summary, and what is wrong with it (nothing, if all went well).

    Raises:
        HubError: The hub cannot be started, or ends; with what it said.
    """
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(StorageServer())
        rekognition = await stack.enter_async_context(RekognitionServer())
        classifier = await stack.enter_async_context(ClassifierServer(BOOKS))
        rekognition.latency_s = ANSWERS_AFTER_S
        rekognition.models.add(ProjectVersion(VERSION))
        queue = storage.queue_url(QUEUE)
        storage.queue(QUEUE)
        setting = lay_out_cloud(parent, Addresses(storage.url, queue, rekognition.url, classifier.url))
        tell(f"Everything of this demo is in {setting.folder}")
        client = await stack.enter_async_context(aiohttp.ClientSession())
        feed = Feed(setting, storage, rekognition, client)
        await feed.begin()
        hub = await stack.enter_async_context(_run_hub(setting))
        await wait_until_ready(setting.log("hub"), hub, ["mqtt.connected", "http.listening"])
        again = "" if seconds is not None else " until Ctrl-C"
        tell(f"The hub is running; pictures go to a bucket, a folder and its HTTP door{again}.")
        async with overview.reading(setting.folder) as engine:
            stage = _Stage(setting, hub, feed, CloudTeller(engine, tell))
            await stage.send(seconds, stop)
            await stage.settle(engine, storage)
            servers = (storage, rekognition, classifier)
            summary = await sum_up_cloud(engine, setting.folder, feed.sent, servers)
    return summary, summary.problems()


def _run_hub(setting: CloudSetting) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    options = ("run", "--config", str(setting.hub_toml))
    return running(setting.folder, "hub", "hub.cli", *options, environment=ENVIRONMENT)


class _Stage:
    """A running hub, who sends it pictures, and who tells what becomes of them."""

    def __init__(
        self, setting: CloudSetting, hub: asyncio.subprocess.Process, feed: Feed, teller: CloudTeller
    ) -> None:
        self._setting = setting
        self._hub = hub
        self._feed = feed
        self._teller = teller

    async def send(self, seconds: float | None, stop: asyncio.Event) -> None:
        """Send pictures step by step; at least one step."""
        began = time.monotonic()
        ends = began + max(0.0, seconds - ENDING_S) if seconds is not None else float("inf")
        refill, number = began + REFILL_S, 0
        while not stop.is_set() and (number == 0 or time.monotonic() < ends):
            await self._feed.step(number)
            if time.monotonic() > refill and refill + REFILL_S < ends:
                await self._feed.fill_folder()
                refill += REFILL_S
            number += 1
            await self._look()
            await asyncio.sleep(max(0.0, began + number * STEP_S - time.monotonic()))

    async def settle(self, engine: Database, storage: StorageServer) -> None:
        """Wait until everything that was sent has come to its end, for a bounded time."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline and not await self._is_over(engine, storage):
            await self._look()
            await asyncio.sleep(LOOK_S)
        await self._teller.tell_new()

    async def _is_over(self, engine: Database, storage: StorageServer) -> bool:
        if len(storage.queue(QUEUE)) or not await is_settled(engine, list(DOES)):
            return False
        events = await overview.count_sources(engine)
        if any(events.get(name, 0) < count for name, count in self._feed.sent.pictures.items()):
            return False
        batches = await overview.list_batches(engine)
        return all(batch["state"] == "ended" for batch in batches if batch["plugin"] == THUMBS)

    async def _look(self) -> None:
        if self._hub.returncode is not None:
            raise HubError(f"the hub ended: {last_words(self._setting.log('hub'))}")
        await self._teller.tell_new()

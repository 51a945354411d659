"""Pictures from a local SQS and S3 through a real hub: how many a second are committed, in what memory."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from support.broker import mosquitto
from support.hub_process import HubProcess, database_of, running_hub, stored, write_settings

from hub.demo.cloud.account import ENVIRONMENT
from hub.demo.cloud.notice import REGION, direct
from hub.demo.cloud.storage_server import StorageServer

BUCKET = QUEUE = "photos"
ANSWERS_S = 0.05
SIZE = (480, 360)
SETTLED_SHARE = 0.05
"""The first pictures, while everything is read and made for the first time, are not timed."""
PLUGIN = """
[plugins.photos]
use = "classifier"
[plugins.photos.images]
sqs = "{queue}"
endpoint_url = "{url}"
region = "{region}"
concurrency = {concurrency}
"""


@dataclass(frozen=True)
class Intake:
    """One run. `memory_mb`: (pictures, resident MB when so many were committed); `calls` were paid."""

    concurrency: int
    images: int
    events: int
    calls: int
    hub_per_s: float
    bare_per_s: float
    cpu_ms: float
    memory_mb: Sequence[tuple[int, float]]

    @property
    def ratio(self) -> float:
        """The hub's rate as a share of what the classifier allows."""
        return self.hub_per_s / self.bare_per_s


class _Pictures(dict[str, bytes]):
    """Objects that are all there: one JPEG, with its key in it so that each has bytes of its own."""

    def __init__(self) -> None:
        super().__init__()
        noise = np.random.default_rng(7).integers(0, 255, (45, 60, 3)).astype(np.uint8)
        self._jpeg = bytes(cv2.imencode(".jpg", cv2.resize(noise, SIZE))[1])

    def get(self, key: str, default: bytes | None = None) -> bytes:  # type: ignore[override] # it has all
        said = key.encode()
        return self._jpeg[:2] + b"\xff\xfe" + (len(said) + 2).to_bytes(2, "big") + said + self._jpeg[2:]


@contextmanager
def _storage(images: int) -> Iterator[StorageServer]:
    """Serve the queue, filled, and the bucket from a thread of this process."""
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    server = StorageServer()

    async def serve() -> None:
        async with server:
            server.objects = _Pictures()
            for number in range(images):
                server.queue(QUEUE).send(direct(BUCKET, f"{number:06}.jpg", f"{number:016X}"))
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()


async def _ask_bare(concurrency: int, seconds: float) -> float:
    """Return how many answers a second so many askers get who do nothing else."""
    count, ends = 0, time.monotonic() + seconds

    async def ask() -> None:
        nonlocal count
        while time.monotonic() < ends:
            await asyncio.sleep(ANSWERS_S)
            count += 1

    began = time.monotonic()
    await asyncio.gather(*(ask() for _ in range(concurrency)))
    return count / (time.monotonic() - began)


def measure_intake(folder: Path, images: int, concurrency: int, marks: Sequence[int]) -> Intake:
    """Let a hub take all pictures in; `marks` are the counts at which its memory is looked at."""
    os.environ.update(ENVIRONMENT)
    folder.mkdir()
    bare_per_s = asyncio.run(_ask_bare(concurrency, 3.0))
    with mosquitto(folder / "broker") as port, _storage(images) as storage:
        names = {"queue": storage.queue_url(QUEUE), "url": storage.url, "region": REGION}
        write_settings(folder, port, PLUGIN.format(concurrency=concurrency, **names))
        with running_hub(folder) as hub:
            hub.wait_until_connected()
            return _watch(hub, folder, images, concurrency, marks, bare_per_s)


def _watch(
    hub: HubProcess, folder: Path, images: int, concurrency: int, marks: Sequence[int], bare_per_s: float
) -> Intake:
    settled, memory = max(1, int(images * SETTLED_SHARE)), []
    with database_of(folder) as ask:
        began, cpu_s = hub.wait_until(stored(ask, settled)), hub.cpu_s()
        for mark in sorted({*(m for m in marks if settled < m < images), images}):
            ended = hub.wait_until(stored(ask, mark))
            memory.append((mark, hub.memory_mb("VmRSS")))
        timed = images - settled
        cpu_ms = (hub.cpu_s() - cpu_s) * 1000 / timed
        events = ask("SELECT count(*) FROM events")
        calls = ask("SELECT count(*) FROM calls WHERE state != 'free'")
    per_s = timed / (ended - began)
    return Intake(concurrency, images, events, calls, per_s, bare_per_s, cpu_ms, memory)

"""Pictures of a folder through the hub to Rekognition and into the store: each paid for once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from hub.companion import Companion
from hub.config import Config
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.loading import Loaded, load_instance
from hub.program import make_decoders


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RekognitionServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    async with RekognitionServer() as running:
        yield running


def put(folder: Path, count: int, orientation: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    exif = Picture.Exif()
    exif[0x0112] = orientation
    for shade in range(count):
        file = io.BytesIO()
        Picture.new("RGB", (160, 120), (shade * 30, 80, 80)).save(file, "JPEG", exif=exif)
        (folder / f"{shade}.jpg").write_bytes(file.getvalue())


@pytest.fixture
def running(hub: Any, server: RekognitionServer) -> Callable[..., Any]:
    """A function that runs the instance with the folder `photos`, as the hub does beside its deliveries."""

    @asynccontextmanager
    async def run(**table: Any) -> AsyncIterator[Any]:
        own = {"endpoint_url": server.url, "region": "us-east-1", "rate": {"labels": 1000, "text": 1000}}
        loaded = load_instance("rekognition", own | {"images": {"folder": "photos"}} | table, hub.data_dir)
        assert isinstance(loaded, Loaded), loaded
        companion = Companion(hub.writer, make_decoders(Config()), frozenset(), hub.log, hub.data_dir)
        async with loaded.plugin:
            task = asyncio.create_task(companion.run(loaded))
            yield loaded.plugin
            task.cancel()
            await asyncio.wait([task])

    return run


async def test_pictures_of_a_folder_become_events_with_their_frames(
    hub: Any, server: RekognitionServer, running: Any, wait_until: Any
) -> None:
    put(hub.data_dir / "photos", 3)
    (hub.data_dir / "photos" / "no.jpg").write_bytes(b"no picture")
    server.fail("DetectText", "throttle")

    async with running(operations=["labels", "text"]):

        async def stored() -> bool:
            return await hub.log.newest_id() == 3

        await wait_until(stored, 60)

    assert server.paid == {"DetectLabels": 3, "DetectText": 3}
    (event, *_) = await hub.log.by_ids([1])
    assert event.labels == {"Dog", "Outdoors", "OPEN DOOR"}
    assert (event.frame.width, event.frame.height) == (160, 120)


async def test_budget_that_is_used_up_keeps_pictures_waiting(
    hub: Any, server: RekognitionServer, running: Any, wait_until: Any
) -> None:
    put(hub.data_dir / "photos", 4)
    async with running(budget_usd_per_day=0.002):

        async def stored() -> bool:
            return await hub.log.newest_id() == 2

        await wait_until(stored, 60)
    async with running(budget_usd_per_day=0.003):

        async def stored_more() -> bool:
            return await hub.log.newest_id() == 3

        await wait_until(stored_more, 60)
        # A picture is taken away once its event is stored, which is a moment later.
        await wait_until(lambda: len(list((hub.data_dir / "photos").glob("*.jpg"))) == 1, 60)
    assert server.calls == {"DetectLabels": 3}

"""The cloud demo's servers alone: what is printed works as it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.config import read_config
from hub.demo.cloud.pictures import draw_book
from hub.demo.cloud.serve import Served, serve
from hub.images.alone import classify_files


@pytest.fixture
async def served(tmp_path, monkeypatch):
    ready: asyncio.Future[Served] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(tmp_path, None, stop, ready.set_result))
    done, _ = await asyncio.wait([serving, ready], timeout=60, return_when=asyncio.FIRST_COMPLETED)
    assert done == {ready}
    for name, value in ready.result().environment.items():
        monkeypatch.setenv(name, value)
    yield ready.result()
    stop.set()
    await serving


@pytest.mark.parametrize(
    ("source", "barcode", "label"),
    [("rekognition", True, "Dog"), ("isbn", True, "9784798045733"), ("isbn", False, None)],
)
async def test_pictures_are_classified_with_the_hub_toml_that_is_written(
    served, tmp_path, source, barcode, label
):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(draw_book(0, barcode=barcode).data)
    told = []
    await classify_files(read_config(Path(served.hub_toml)), source, [picture], told.append, 60)

    (one,) = told
    assert one.state == "stored", one.error
    found = {detection["label"] for detection in one.event["detections"]}
    assert label in found or (label is None and len(found) == 1)


async def test_servers_end_when_the_time_is_up(tmp_path):
    told = []
    await serve(tmp_path, 0.1, asyncio.Event(), told.append)

    assert len(told) == 1

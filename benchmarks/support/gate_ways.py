"""The shipped text gate as the hub runs it, beside TensorFlow Serving's way and torch: pictures a second."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hub.gate.card import SHIPPED
from hub.gate.network import GateNetwork
from hub.gate.tf_serving import TfServing

SIDE = 224
AT_ONCE = 32
DIFFERENT = 64
WARM = 20
SERVER = Path(__file__).with_name("gate_server.py")
HUB = "hub: OpenVINO, threads, several at once"
ONE = "hub, one at a time"
PUBLISHED = "hub, the published layout, one at a time"
SERVING = "published layout over HTTP, one request each"
Score = Callable[[bytes], Awaitable[float]]


def make_jpegs() -> list[bytes]:
    """Return JPEGs of 224 x 224 of some detail, about 12 KB each."""
    rng = np.random.default_rng(5)
    cells = (rng.integers(0, 255, (56, 56, 3), np.uint8) for _ in range(DIFFERENT))
    return [cv2.imencode(".jpg", cv2.resize(one, (SIDE, SIDE)))[1].tobytes() for one in cells]


def measure_ways(pictures: int, threads: int) -> dict[str, dict[str, float]]:
    """Return pictures a second and milliseconds of each way, in turn on the same JPEGs, decoding included."""
    return asyncio.run(_measure(pictures, threads))


async def _measure(pictures: int, threads: int) -> dict[str, dict[str, float]]:
    jpegs, found = make_jpegs(), {}
    with tempfile.TemporaryDirectory() as folder:
        published = copy_published(Path(folder))
        async with GateNetwork(Path("text"), threads) as hub, GateNetwork(published, threads) as whole:
            found[HUB] = await time_many(_of(hub), jpegs, pictures)
            found[ONE] = await time_each(_of(hub), jpegs, pictures)
            found[PUBLISHED] = await time_each(_of(whole), jpegs, max(pictures // 4, 1))
        found[SERVING] = await _ask_server(published, threads, jpegs, max(pictures // 4, 1))
    return found


def _of(network: GateNetwork) -> Score:
    return lambda jpeg: network.score(jpeg, SIDE, SIDE)


def copy_published(folder: Path) -> Path:
    """Return a model folder with the published layout of the shipped gate."""
    for part in ("model.xml", "model.bin"):
        shutil.copy(SHIPPED / "text" / "published" / part, folder)
    shutil.copy(SHIPPED / "text" / "model.toml", folder)
    return folder


async def _ask_server(model: Path, threads: int, jpegs: list[bytes], pictures: int) -> dict[str, float]:
    command = (sys.executable, SERVER, str(model), str(threads))
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        url = (await asyncio.wait_for(server.stdout.readline(), 60)).decode().strip()
        async with TfServing(url, 60) as asked:
            return await time_each(lambda jpeg: asked.score(jpeg, SIDE, SIDE), jpegs, pictures)
    finally:
        server.kill()
        await server.wait()


async def time_each(score: Score, jpegs: list[bytes], pictures: int) -> dict[str, float]:
    """Ask one after the other."""
    for jpeg in jpegs[:WARM]:
        await score(jpeg)
    took = []
    for number in range(pictures):
        began = time.perf_counter()
        await score(jpegs[number % DIFFERENT])
        took.append((time.perf_counter() - began) * 1000)
    return _figures(pictures / sum(took) * 1000, took)


async def time_many(score: Score, jpegs: list[bytes], pictures: int) -> dict[str, float]:
    """Ask so many at once."""
    slots, took = asyncio.Semaphore(AT_ONCE), []

    async def ask(number: int) -> None:
        async with slots:
            began = time.perf_counter()
            await score(jpegs[number % DIFFERENT])
            took.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(ask(number) for number in range(WARM)))
    took.clear()
    began = time.perf_counter()
    await asyncio.gather(*(ask(number) for number in range(pictures)))
    return _figures(pictures / (time.perf_counter() - began), took)


def _figures(rate: float, took: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(took, (50, 99))
    return {"a_second": rate, "p50_ms": float(p50), "p99_ms": float(p99)}


def rows_of_ways(ways: dict[str, Any]) -> list[str]:
    """Return the table."""
    head = f"{'JPEGs of 224 x 224, decoded too':<48}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}"
    return [head] + [
        f"{name:<48}{one['a_second']:9.0f}{one['p50_ms']:9.1f}{one['p99_ms']:9.1f}"
        for name, one in ways.items()
    ]

"""Times import, export, check and conversion of a training set of drawn pictures."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from support.report import tabulate

from hub.dataset.arrivals import Brought, bring
from hub.dataset.box import Box
from hub.dataset.check import check_dataset
from hub.dataset.choice import Choice, choose
from hub.dataset.convert import Target, convert_dataset
from hub.dataset.division import Division
from hub.dataset.export import export_dataset
from hub.dataset.formats import write_dataset
from hub.dataset.output import Output
from hub.dataset.sample import Dataset, Object, Sample
from hub.store.database import hub_lock, open_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.writer import Writer

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True, slots=True)
class Timing:
    """What was done with how many pictures, and how long it took."""

    what: str
    pictures: int
    seconds: float
    limit_s: float | None = None


def draw_set(folder: Path, count: int) -> Path:
    """Write a VOC set of pictures of which none resembles another."""
    samples = []
    for number in range(count):
        random = np.random.default_rng(number)
        patches = random.integers(0, 256, (12, 16, 3), np.uint8)
        picture = folder / "drawn" / f"{number:06}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(picture), cv2.resize(patches, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
        boxes = random.integers(0, 200, (int(random.integers(0, 4)), 4))
        objects = tuple(Object(f"class {x % 3}", Box(x, y, w + 1.0, h + 1.0)) for x, y, w, h in boxes)
        samples.append(Sample(picture.name, picture, WIDTH, HEIGHT, 3, objects))
    names = tuple(f"class {number}" for number in range(3))
    write_dataset(Dataset(names, tuple(samples)), "voc", Output(folder / "voc"))
    return folder / "voc"


async def measure_sets(folder: Path, count: int) -> list[Timing]:
    """Return what import, export, check and conversion of `count` pictures take."""
    voc = await asyncio.to_thread(draw_set, folder, count)
    data_dir = folder / "data"
    with hub_lock(data_dir):
        upgrade(data_dir)
        writer = await Writer.open(data_dir, FrameStore(data_dir / "frames"))
        engine = open_engine(data_dir)
        writing = asyncio.create_task(writer.run())
        try:
            found = [
                await _time("import of VOC", count, lambda: bring(Brought(voc, "office"), writer, engine), 30)
            ]
            log = EventLog(engine)
            found.append(
                await _time("export to COCO", count, lambda: _export(log, data_dir, folder / "coco"), 60)
            )
        finally:
            writer.close()
            await writing
            await engine.dispose()
    checking = lambda: asyncio.to_thread(check_dataset, folder / "coco")  # noqa: E731
    converting = lambda: asyncio.to_thread(convert_dataset, voc, Target(folder / "yolo", "yolo"))  # noqa: E731
    found.append(await _time("check of COCO", count, checking))
    found.append(await _time("VOC to YOLO", count, converting))
    return found


async def _time(
    what: str, count: int, work: Callable[[], Awaitable[object]], limit_s: float | None = None
) -> Timing:
    os.sync()
    start = time.perf_counter()
    await work()
    return Timing(what, count, time.perf_counter() - start, limit_s)


async def _export(log: EventLog, data_dir: Path, target: Path) -> None:
    chosen = await choose(log, Choice())
    frames = FrameStore(data_dir / "frames")
    goal = Target(target, "coco")
    await asyncio.to_thread(export_dataset, chosen, frames, goal, Division(), {})


def describe_sets(found: list[Timing]) -> str:
    """Return the table."""
    rows = [
        (
            one.what,
            f"{one.pictures:,}",
            f"{one.seconds:.1f}",
            f"{one.pictures / one.seconds:,.0f}",
            f"{one.limit_s:g}" if one.limit_s else "",
        )
        for one in found
    ]
    size = f"{WIDTH} x {HEIGHT}"
    return f"Training sets of {size} JPEGs\n\n" + tabulate(
        ("", "pictures", "s", "pictures/s", "limit for 10,000, s"), rows
    )

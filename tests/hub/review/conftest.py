"""A store with captured events, and the desk where they are reviewed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.event import Box, Detection, Event, Frame
from hub.review.applying import Applier
from hub.review.desk import Desk, open_desk
from hub.review.settings import ReviewSettings

ODD = Box(left=0.1 + 0.2, top=1 / 3, width=0.1, height=2 / 7)
"""A box whose numbers have no short spelling."""
FOUND = (
    Detection(label="cup", confidence=0.9, box=ODD, class_id=3, track="7", attributes={"pose": "up"}),
    Detection(label="dog", confidence=0.4, box=Box(left=0.6, top=0.6, width=0.2, height=0.2)),
)


class Clock:
    """What time it is at the desk; a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **more: float) -> None:
        self.now += timedelta(**more)


class Bench:
    """Fills a store, and applies verdicts as a running hub does."""

    def __init__(self, store: Any, arrivals: Any, jpeg: bytes) -> None:
        self.store, self._arrivals, self._jpeg = store, arrivals, jpeg
        digest = hashlib.sha256(jpeg).hexdigest()
        self.frame = Frame(digest=digest, width=64, height=48, media_type="image/jpeg")
        self.settings = ReviewSettings(second_share=0)

    async def add(self, count: int = 1, captured: bool = True, **members: Any) -> list[int]:
        """Store events with a picture; the first captured one is worth most."""
        values = {"frame": self.frame, "detections": FOUND, "source": "deeplens"} | members
        first = (self.store.sql("SELECT COALESCE(MAX(id), 0) FROM events")[0][0]) + 1
        made = [self._arrivals.event(**values) for _ in range(count)]
        await self.store.add(
            *(
                self._arrivals.plain(one, payload=repr(n).encode(), picture=self._jpeg)
                for n, one in enumerate(made)
            )
        )
        ids = list(range(first, first + count))
        for event_id in ids if captured else ():
            self.capture(event_id)
        return ids

    def capture(
        self, event_id: int, score: float | None = None, reasons: Any = ("near_threshold",), plugin: str = "r"
    ) -> None:
        """Say that an instance chose an event."""
        self.store.sql(
            "INSERT INTO captures (plugin, event_id, device, reasons, score, chosen_at) VALUES (?,?,?,?,?,?)",
            plugin,
            event_id,
            "porch",
            json.dumps(reasons),
            1 / event_id if score is None else score,
            "2026-11-22 08:00:00.000000",
        )

    async def apply(self) -> None:
        await Applier(self.store.writer, self.store.engine, self.settings).apply_all()

    async def view(self, event_id: int) -> Event:
        (row,) = await self.store.log.by_ids([event_id])
        view, _ = await self.store.log.view(row)
        return view

    async def amendments(self, event_id: int) -> list[int]:
        (row,) = await self.store.log.by_ids([event_id])
        return (await self.store.log.view(row))[1]

    @property
    def data_dir(self) -> Path:
        return self.store.data_dir


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_bench(arrivals: Any, jpeg: bytes) -> Callable[[Any], Bench]:
    return lambda store: Bench(store, arrivals, jpeg)


@pytest.fixture
def bench(store: Any, make_bench: Callable[[Any], Bench]) -> Bench:
    return make_bench(store)


@pytest.fixture
async def desk(bench: Bench, clock: Clock) -> AsyncIterator[Desk]:
    """A desk at which nobody is asked twice; the store's writer stands for a running hub."""
    async with open_desk(bench.data_dir, bench.settings, clock) as opened:
        yield opened
        await bench.apply()


@pytest.fixture
def found() -> tuple[Detection, ...]:
    return FOUND

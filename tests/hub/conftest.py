"""What the hub's tests share: arrivals made to order, a migrated store with its writer, installed plugins."""

from __future__ import annotations

import asyncio
import importlib
import sqlite3
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.decode.message import Decoded, Message
from hub.draw.picture import encode_jpeg
from hub.errors import PayloadError
from hub.event import Detection, NewEvent
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.database import database_path, open_engine, open_read_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.writer import Writer
from hub.wire.protocol import Gap, Hello, Position

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EPOCH = "0123456789abcdef"


def _new_event(
    device: str = "porch", label: str = "thumbs-up", confidence: float = 0.9, **members: Any
) -> NewEvent:
    found = (Detection(label=label, confidence=confidence),)
    return NewEvent(
        **{"source": "edge", "captured_at": NOW, "detections": found} | members | {"device": device}
    )


class Arrivals:
    """Makes arrivals as the decoders would: records of an edge agent's line, and plain messages."""

    event = staticmethod(_new_event)

    def __call__(
        self, topic: str = "t", payload: bytes = b"{}", at: datetime = NOW, **decoded: Any
    ) -> Arrival:
        return Arrival(Message("mqtt", topic, payload, at), Decoded(**decoded))

    def plain(self, *events: NewEvent, **more: Any) -> Arrival:
        events = events or (_new_event(source="deeplens"),)
        return self(events=events, device=events[0].device, **more)

    def record(
        self, seq: int, device: str = "porch", epoch: str = EPOCH, event: NewEvent | None = None, **more: Any
    ) -> Arrival:
        event = event or _new_event(device, key=f"edge:{device}/{epoch}/{seq}")
        return self(events=(event,), device=device, position=Position(device, epoch, seq), **more)

    def refused(self, seq: int | None = None, device: str = "porch", epoch: str = EPOCH) -> Arrival:
        position = Position(device, epoch, seq) if seq else None
        return self(device=device, position=position, error=PayloadError("not_json", "no"))

    def hello(
        self, nonce: str = "n", device: str = "porch", now: datetime = NOW, epoch: str = EPOCH
    ) -> Arrival:
        said = Hello(epoch=epoch, first=1, next=9, now=now, agent="agent 1", nonce=nonce)
        return self(device=device, hello=said)

    def gap(self, first: int, last: int, device: str = "porch", epoch: str = EPOCH) -> Arrival:
        return self(device=device, gap=Gap(epoch=epoch, first=first, last=last, reason="spool over quota"))


class Store:
    """A migrated store in a folder, with its writer running."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.frames = FrameStore(data_dir / "frames")

    async def open(self) -> None:
        upgrade(self.data_dir)
        self.engine = open_engine(self.data_dir)
        self.readers = open_read_engine(self.data_dir)
        self.writer = await Writer.open(self.data_dir, self.frames)
        self.log = EventLog(self.engine)
        self._writing = asyncio.create_task(self.writer.run())

    async def close(self) -> None:
        self.writer.close()
        await asyncio.wait([self._writing], timeout=60)
        assert self._writing.done() or not self._writing.cancel(), "the writer does not end"
        self._writing.result()
        await self.engine.dispose()
        self.readers.dispose()

    async def reopen(self) -> None:
        await self.close()
        await self.open()

    def add(self, *arrivals: Arrival) -> asyncio.Future[Receipt]:
        """Hand one burst to the writer; the future has its receipt once it is committed."""
        receipt = asyncio.get_running_loop().create_future()
        self.writer.add(Burst(arrivals, receipt.set_result))
        return receipt

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask on a connection of its own what is committed."""
        connection = sqlite3.connect(database_path(self.data_dir), isolation_level=None)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="session")
def arrivals() -> Arrivals:
    return Arrivals()


@pytest.fixture
def make_store() -> type[Store]:
    """What makes a store in a folder of choice; a test opens and closes it."""
    return Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "data")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A picture of 64 x 48 pixels with something to see."""
    return encode_jpeg(np.random.default_rng(7).integers(0, 255, (48, 64, 3), np.uint8))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A function that installs a made plugin: `install("name", source, object="Plugin")`.

    It becomes a distribution of its own with an entry point, as anybody's would be; the folder returned is on
    this process's path and may be put on another's.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def write(name: str, source: str, attribute: str = "Plugin") -> Path:
        module = f"made_{name.replace('-', '_')}_{abs(hash(str(tmp_path)))}"
        (site / f"{module}.py").write_text(textwrap.dedent(source))
        info = site / f"{module}-0.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 0.0\n")
        (info / "entry_points.txt").write_text(f"[lenshub.plugins]\n{name} = {module}:{attribute}\n")
        importlib.invalidate_caches()  # a folder that was read in the same tick of the clock looks unchanged
        return site

    return write


@pytest.fixture
def soon() -> Callable[..., Awaitable[Any]]:
    """A function that awaits something for a minute at most."""

    async def wait(awaitable: Awaitable[Any], timeout_s: float = 60) -> Any:
        async with asyncio.timeout(timeout_s):
            return await awaitable

    return wait

"""Agent and hub together when one of them has lost its memory: each goes on, and says what is missing."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.link import Broker, Link
from edge.spool import Spool
from hub.config import Config
from hub.devices import DeviceRegistry
from hub.program import Wishes, run_hub

DEVICE = "porch"
BROKEN_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
WaitUntil = Callable[..., Awaitable[None]]


class Place:
    """A hub's data folder and a device's spool, with whatever runs on them."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data_dir = folder / "data"
        self.spool_path = folder / "spool.db"
        self.config = Config.model_validate({"hub": {"data_dir": self.data_dir}, "mqtt": {"port": port}})
        password = DeviceRegistry(self.data_dir / "broker").add(DEVICE)
        self.broker = Broker("127.0.0.1", port, DEVICE, password)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(run_hub(self.config, Wishes(stop)))
        try:
            yield
        finally:
            stop.set()
            await running

    async def send(self, spool: Spool, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Let an agent run until the hub has everything."""
        link = Link(spool, DEVICE, self.broker, now=now)
        running = asyncio.create_task(link.run())
        try:
            async with asyncio.timeout(60):
                await link.drained()
        finally:
            running.cancel()
            await asyncio.wait([running])

    def rows(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.data_dir}/hub.sqlite?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    def stored(self) -> list[int]:
        """The numbers written into the events, in the order stored."""
        rows = self.rows("SELECT attributes FROM events ORDER BY id")
        return [json.loads(attributes)["n"] for (attributes,) in rows]

    def forget_the_database(self) -> None:
        for path in self.data_dir.glob("hub.sqlite*"):
            path.unlink()


@pytest.fixture
def place(tmp_path: Path, free_port: int, mosquitto_path: str) -> Place:
    return Place(tmp_path, free_port)


def lines(first: int, last: int, at: datetime | None = None) -> list[tuple[bytes, None]]:
    captured_at = (at or datetime.now(UTC)).isoformat()
    return [
        (json.dumps({"captured_at": captured_at, "attributes": {"n": n}}).encode(), None)
        for n in range(first, last + 1)
    ]


async def test_agent_goes_on_with_a_gap_when_the_hub_has_lost_its_database(place: Place) -> None:
    with Spool.open(place.spool_path) as spool:
        spool.append_many(lines(1, 30))
        async with place.hub():
            await place.send(spool)
        place.forget_the_database()
        spool.append_many(lines(31, 40))
        async with place.hub():
            await place.send(spool)
    assert place.stored() == list(range(31, 41))
    assert place.rows("SELECT first, last FROM gaps") == [(1, 30)]


async def test_agent_goes_on_when_an_old_copy_of_its_spool_was_put_back(place: Place, tmp_path: Path) -> None:
    with Spool.open(place.spool_path) as spool:
        spool.append_many(lines(1, 30))
    shutil.copy(place.spool_path, tmp_path / "copy.db")
    async with place.hub():
        with Spool.open(place.spool_path) as spool:
            spool.append_many(lines(31, 60))
            await place.send(spool)
        shutil.copy(tmp_path / "copy.db", place.spool_path)
        with Spool.open(place.spool_path) as spool:
            spool.append_many(lines(61, 70))
            await place.send(spool)
    assert place.stored() == list(range(1, 71))


async def test_agent_goes_on_with_new_numbers_when_its_spool_was_deleted(place: Place) -> None:
    async with place.hub():
        for first in (1, 11):
            place.spool_path.unlink(missing_ok=True)
            with Spool.open(place.spool_path) as spool:
                spool.append_many(lines(first, first + 9))
                await place.send(spool)
    assert place.stored() == list(range(1, 21))
    assert len(place.rows("SELECT epoch FROM epochs WHERE committed = 10")) == 2


async def test_hub_reports_the_gap_when_a_spool_is_over_its_quota(place: Place) -> None:
    with Spool.open(place.spool_path, quota_bytes=20_000) as spool:
        spool.append_many(lines(1, 500))
        async with place.hub():
            await place.send(spool)
    stored, gaps = place.stored(), place.rows("SELECT first, last, reason FROM gaps")
    assert stored == list(range(stored[0], 501))
    assert [(first, last) for first, last, _ in gaps] == [(1, stored[0] - 1)]
    assert place.rows("SELECT kind FROM device_history WHERE kind = 'gap'")


async def test_hub_corrects_and_reports_a_clock_in_1970(place: Place) -> None:
    with Spool.open(place.spool_path) as spool:
        spool.append_many(lines(1, 5, BROKEN_CLOCK))
        async with place.hub():
            await place.send(spool, lambda: BROKEN_CLOCK)
    ((captured_at,), *_) = place.rows("SELECT captured_at FROM events")
    assert datetime.now(UTC) - datetime.fromisoformat(captured_at + "+00:00") < timedelta(minutes=5)
    assert place.rows("SELECT text FROM device_history WHERE kind = 'clock_skew'")
    assert place.rows("SELECT clock_skew_s > 1e9 FROM devices") == [(1,)]


async def test_records_behind_one_that_cannot_be_read_are_stored(place: Place) -> None:
    with Spool.open(place.spool_path) as spool:
        spool.append_many([*lines(1, 20), (b'{"captured_at": "yesterday"}', None), *lines(22, 40)])
        async with place.hub():
            await place.send(spool)
    assert place.stored() == [*range(1, 21), *range(22, 41)]
    assert len(place.rows("SELECT id FROM quarantine")) == 1

"""Sums are added up in portions, each once, by a running hub and without one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.event import Event
from hub.store.database import database_path, hub_lock
from hub.store.quarters import add_portion, count_portion
from hub.store.restoration import restoring
from hub.store.tallying import Tallying, add_up_here

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOLD = "SELECT (SELECT sum(events) FROM quarter_tallies), up_to FROM tallied"


@pytest.fixture
async def filled(store: Any, arrivals: Any, soon: Any) -> Any:
    """A store of 50 events."""
    await soon(store.add(*(arrivals.plain() for _ in range(50))))
    return store


async def test_running_hub_adds_up_whole_portions(filled: Any, wait_until: Any) -> None:
    running = asyncio.create_task(Tallying(filled.writer, filled.data_dir, start_s=0, portion=40).run())
    await wait_until(lambda: filled.sql(TOLD))
    running.cancel()
    await asyncio.wait([running])

    assert filled.sql(TOLD) == [(40, 40)]


async def test_running_hub_leaves_less_than_a_portion(filled: Any) -> None:
    tallying = Tallying(filled.writer, filled.data_dir, portion=51)
    assert not await tallying.add_up()
    tallying.close()
    assert filled.sql(TOLD) == []


async def test_portion_is_added_once_though_it_was_counted_twice(filled: Any) -> None:
    portion = await filled.log.ask(lambda connection: count_portion(connection, 0, 50))

    assert await filled.writer.change(lambda connection: add_portion(connection, portion))
    assert not await filled.writer.change(lambda connection: add_portion(connection, portion))
    assert filled.sql(TOLD) == [(50, 50)]


async def test_sums_and_how_far_they_go_are_kept_or_lost_together(filled: Any) -> None:
    portion = await filled.log.ask(lambda connection: count_portion(connection, 0, 50))

    def fail(connection: Any) -> None:
        add_portion(connection, portion)
        raise ValueError("killed before the commit")

    with pytest.raises(ValueError, match="killed"):
        await filled.writer.change(fail)
    assert filled.sql("SELECT count(*) FROM quarter_tallies") == [(0,)]
    assert filled.sql(TOLD) == []


async def test_portions_are_added_up_where_no_hub_runs(filled: Any) -> None:
    await filled.close()
    add_up_here(filled.data_dir, portion=9)
    told = filled.sql(TOLD)
    add_up_here(filled.data_dir, portion=9)
    await filled.open()

    assert told == filled.sql(TOLD) == [(45, 45)]


async def test_nothing_is_added_up_where_a_hub_has_the_store(filled: Any) -> None:
    with hub_lock(filled.data_dir):
        add_up_here(filled.data_dir, portion=9)

    assert filled.sql(TOLD) == []


def test_restoration_that_goes_on_begins_the_sums_anew(tmp_path: Path, arrivals: Any) -> None:
    with pytest.raises(InterruptedError):
        restore(tmp_path, arrivals, range(10, 20), InterruptedError())
    add_up_here(tmp_path, portion=19)
    restore(tmp_path, arrivals, range(1, 20))
    add_up_here(tmp_path, portion=19)

    with closing(sqlite3.connect(database_path(tmp_path))) as connection:
        assert connection.execute(TOLD).fetchall() == [(19, 19)]


def restore(data_dir: Path, arrivals: Any, ids: Iterable[int], interruption: Exception | None = None) -> None:
    with restoring(data_dir, "s3://bucket") as restoration:
        restoration.add([(as_stored(arrivals, number), b"{}", None) for number in ids])
        if interruption:
            raise interruption


def as_stored(arrivals: Any, number: int) -> Event:
    new = arrivals.event(source="edge").model_dump()
    return Event.model_validate(new | {"id": number, "received_at": NOW})

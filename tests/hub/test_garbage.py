"""Objects that refer to each other are freed by the clock, however few they are."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from hub.garbage import THRESHOLDS, collect_by_the_clock, collect_rarely


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def rare():
    before = gc.get_threshold()
    collect_rarely()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(("age", "full_every"), [("young", 10**6), ("old", 1)])
async def test_cycle_is_freed_by_the_clock(rare, wait_until, age, full_every):
    assert gc.get_threshold() == THRESHOLDS
    cycle = Cycle()
    if age == "old":
        gc.collect()  # what outlives a full one is looked at by full ones only
    there = weakref.ref(cycle)
    del cycle
    assert there() is not None

    collecting = asyncio.create_task(collect_by_the_clock(0.01, full_every))
    await wait_until(lambda: there() is None)

    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting

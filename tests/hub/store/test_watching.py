from __future__ import annotations

import asyncio

import pytest

from hub.store import watching


async def test_watch_goes_on_after_failures_and_tells_each_run_of_them_once(caplog, monkeypatch):
    monkeypatch.setattr(watching, "UNREADABLE_S", 0.0)
    looks = iter([True, False, False, True, False, True])
    seen = []

    async def look() -> float:
        well = next(looks, None)
        seen.append(well)
        if well is None:
            raise asyncio.CancelledError
        if not well:
            raise OSError("no disk")
        return 0.0

    with pytest.raises(asyncio.CancelledError):
        await watching.watch(look, "review")

    assert seen == [True, False, False, True, False, True, None]
    told = [record.getMessage() for record in caplog.records]
    assert told == ["review.waiting: the store cannot be read: no disk"] * 2

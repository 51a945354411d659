"""The newest record of an archive, written by one delivery for all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from plugins.archive_latest import Latest
from plugins.archive_place import FolderPlace

AT = datetime(2026, 11, 21, tzinfo=UTC)


class Counted(FolderPlace):
    """A folder that counts what is written over, and lets something happen just before."""

    writes = 0
    before_write = staticmethod(lambda: None)

    async def replace(self, key: str, data: bytes, content_type: str) -> None:
        self.before_write()
        await super().replace(key, data, content_type)
        self.writes += 1


async def test_latest_returns_once_a_newer_record_is_written_though_more_are_offered(tmp_path: Path) -> None:
    place, later = Counted(tmp_path), []
    latest = Latest(place)

    async def offer(number: int) -> int:
        await latest.offer((AT, number), b"%d" % number)
        return place.writes

    place.before_write = lambda: later or later.append(asyncio.ensure_future(offer(3)))
    waited = await asyncio.gather(offer(1), offer(2))
    assert (waited, await later[0]) == ([1, 1], 2)
    assert (tmp_path / "latest/latest.json").read_bytes() == b"3"

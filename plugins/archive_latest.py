"""`latest/latest.json`: the newest record, written by one delivery on behalf of all that wait."""

from __future__ import annotations

import asyncio

from plugins.archive_keys import LATEST
from plugins.archive_place import Place
from plugins.archive_record import Rank, rank_in

JSON = "application/json"
GAP_S = 0.05
"""Between two writes, so that a burst of events does not write this one object as often as all others."""


class Latest:
    """Keeps the newest record of an archive; an older event that arrives late does not replace it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._turn = asyncio.Lock()
        self._offered: tuple[Rank, bytes] | None = None
        self._newest: Rank | None = None
        self._known = False
        self._next_at = 0.0

    async def offer(self, rank: Rank, record: bytes) -> None:
        """Return once this record, or a newer one, is the latest; raises what the place raises."""
        self._put_back(rank, record)
        async with self._turn:
            if self._offered is None or (self._newest is not None and rank <= self._newest):
                return  # who had the turn before has written it, or a newer one
            await self._keep_gap()
            (rank, record), self._offered = self._offered, None
            try:
                await self._write(rank, record)
            except BaseException:
                self._put_back(rank, record)  # for who waits behind
                raise

    async def _keep_gap(self) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._next_at - clock()))
        self._next_at = clock() + GAP_S

    def _put_back(self, rank: Rank, record: bytes) -> None:
        if self._offered is None or rank >= self._offered[0]:
            self._offered = rank, record

    async def _write(self, rank: Rank, record: bytes) -> None:
        if not self._known:
            self._newest = rank_in(await self._place.read(LATEST))
            self._known = True
        if self._newest is not None and rank < self._newest:
            return
        await self._place.replace(LATEST, record, JSON)
        self._newest = rank

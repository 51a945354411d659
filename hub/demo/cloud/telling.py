"""Tells what happens in a cloud demo beside its events: what is refused, and how the batches stand."""

from __future__ import annotations

from collections.abc import Callable

from hub.demo.cloud.setting import THUMBS
from hub.demo.telling import TOLD_AT_ONCE, Teller
from hub.store import overview
from hub.store.database import Database


class CloudTeller:
    """Tells each event, refusal and change of a batch once."""

    def __init__(self, engine: Database, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._events = Teller(engine, tell)
        self._refused = 0
        self._batch = ""

    async def tell_new(self) -> None:
        """Tell what is new since last time."""
        await self._events.tell_new()
        newest = await overview.list_quarantine(self._engine, limit=TOLD_AT_ONCE)
        for row in reversed([row for row in newest if row["id"] > self._refused]):
            name = row["topic"].removeprefix("images/")
            self._tell(f"          {name} of {row['source']}  ->  refused: {row['reason']}")
            self._refused = row["id"]
        for part in await overview.list_parts(self._engine):
            if (part["plugin"], part["part"]) == (THUMBS, "batch") and part["text"] != self._batch:
                self._batch = part["text"]
                self._tell(f"          batch of {THUMBS}: {self._batch}")

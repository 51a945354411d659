"""What `lenshub dataset export --reference` asks the store and the bucket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from hub.cli.archive import load_archive
from hub.config import Config
from hub.errors import ConfigError
from hub.event import Event, Frame
from hub.plugin import Reject
from hub.store.database import Database
from hub.store.log import EventLog
from hub.store.overview import list_notes
from plugins.archive_keys import Layout
from plugins.archive_references import Wanted, find_pictures
from plugins.s3_bucket import Bucket

PAGE_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Referrer:
    """An instance of s3-archive whose bucket a training set is to name pictures in."""

    name: str
    bucket: Bucket
    layout: Layout

    @classmethod
    def load(cls, config: Config, name: str) -> Self:
        """Return the instance of hub.toml; raises ConfigError."""
        archive = load_archive(config, name)
        if not isinstance(archive.place, Bucket):
            raise ConfigError(f"plugins.{name}: is a folder; --reference needs an archive with `bucket`")
        return cls(name, archive.place, archive.layout)

    async def find(
        self, events: Sequence[Event], tell: Callable[[int, int], None], engine: Database
    ) -> dict[int, str]:
        """Return where events' frames lie in the bucket, as far as they are seen to be there.

        Raises:
            DeliveryError: The store of objects refuses, or cannot be reached.
        """
        wanted = []
        for start in range(0, len(events), PAGE_EVENTS):
            wanted += await self._list_wanted(engine, events[start : start + PAGE_EVENTS])
        return await find_pictures(self.bucket, wanted, tell)

    async def _list_wanted(self, engine: Database, events: Sequence[Event]) -> list[Wanted]:
        written: defaultdict[int, list[str]] = defaultdict(list)
        for row in await list_notes(engine, self.name, [event.id for event in events]):
            written[row["event_id"]].append(row["note"].partition(" ")[0])
        # A store that was restored has no notes; there the key is that of the event as it came.
        others = await EventLog(engine).by_ids([event.id for event in events if event.id not in written])
        for first in others:
            written[first.id] += self._keys_of(first)
        return [
            Wanted(event.id, event.frame.digest, tuple(dict.fromkeys(written[event.id])))
            for event in events
            if isinstance(event.frame, Frame)
        ]

    def _keys_of(self, event: Event) -> list[str]:
        try:
            return [key] if (key := self.layout.keys(event).raw) else []
        except (Reject, ValueError):
            return []  # it never could be archived

"""What a plugin can look up in the ledger and the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from hub.event import Event, Frame
from hub.plugin import DeviceSeen, EffectSeen, RejectedSeen
from hub.store.captures import count_label_shares, list_rejected
from hub.store.log import EventFilter, EventLog
from hub.store.recall import list_device_states, list_effects

SAME_FRAME_S = 60.0  # two models that look at one picture name its time within this
SAME_FRAME_EVENTS = 20


@dataclass(frozen=True, slots=True)
class StoreRecall:
    """The store as one instance sees it; see `hub.plugin.Recall`."""

    plugin: str
    log: EventLog

    async def effects(
        self,
        *,
        key: str | None = None,
        prefix: str = "",
        group: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[EffectSeen]:
        """Return the instance's own effects, newest first."""
        asked = partial(
            list_effects, plugin=self.plugin, key=key, prefix=prefix, group=group, since=since, limit=limit
        )
        return await self.log.ask(asked)

    async def devices(self) -> list[DeviceSeen]:
        """Return every device that was ever heard."""
        return await self.log.ask(list_device_states)

    async def same_frame(self, event: Event) -> list[Event]:
        """Return earlier events of the same picture from the same device, newest first."""
        if not isinstance(event.frame, Frame):
            return []
        wanted = EventFilter(
            device=event.device,
            since=event.captured_at - timedelta(seconds=SAME_FRAME_S),
            frame=event.frame.digest,
            up_to=event.id - 1,
        )
        found = await self.log.newest(wanted, SAME_FRAME_EVENTS)
        return [earlier for earlier in found if earlier.id != (event.amends or event.id)]

    async def newest(
        self,
        *,
        device: str | None = None,
        camera: str | None = None,
        label: str | None = None,
        min_confidence: float = 0.0,
    ) -> Event | None:
        """Return the newest event that has such a detection, or None."""
        wanted = EventFilter(device=device, camera=camera, label=label, min_confidence=min_confidence)
        return next(iter(await self.log.newest(wanted, 1)), None)

    async def label_shares(self, event: Event, *, among: int = 1000) -> dict[str, float]:
        """Return in which share of the log's last rows up to an event each of its labels is."""
        asked = partial(count_label_shares, up_to=event.id, labels=event.labels, among=among)
        return await self.log.ask(asked)

    async def rejected(self, *, since: datetime, limit: int = 200) -> list[RejectedSeen]:
        """Return the events that reviewers rejected since then, newest first."""
        return await self.log.ask(partial(list_rejected, since=since, limit=limit))

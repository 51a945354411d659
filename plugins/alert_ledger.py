"""How alerts are written in the effects ledger: which began, which are over, which were acknowledged."""

from __future__ import annotations

from hub.plugin import EffectSeen, Recall

BEGAN, ENDED, ACKNOWLEDGED, SENT = "alert/", "end/", "ack/", "to/"


async def find_effect(recall: Recall, key: str) -> EffectSeen | None:
    """Return the instance's effect of this key, or None."""
    return next(iter(await recall.effects(key=key, limit=1)), None)


class OpenAlerts:
    """Which alert holds in each place. The ledger says so; what it said is kept, for only we write it."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    async def load(self, recall: Recall) -> None:
        """Find where an alert holds since an earlier run of the hub, among the last 1000 alerts."""
        for effect in await recall.effects(prefix=BEGAN):
            await self.find(effect.group, recall)

    def places(self) -> list[str]:
        """Return the places where an alert holds."""
        return [place for place, alert in self._known.items() if alert is not None]

    async def find(self, place: str, recall: Recall) -> str | None:
        """Return the alert that began in a place and is not over, or None."""
        if place not in self._known:
            newest = next(iter(await recall.effects(group=place, limit=1)), None)
            alert = newest.key.removeprefix(BEGAN) if newest else None
            over = alert is None or await find_effect(recall, f"{ENDED}{alert}")
            self._known[place] = None if over else alert
        return self._known[place]

    def begin(self, place: str, alert: str) -> None:
        """Note that an alert began."""
        self._known[place] = alert

    def end(self, place: str) -> None:
        """Note that the alert of a place is over."""
        self._known[place] = None

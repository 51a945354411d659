"""Looks for what no event tells: silent devices, devices offline, and counts that fall with time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.plugin import Delivery, DeviceSeen
from plugins.alert_rule import ALL, State, counted_in, describe_rule, judge_value, watched_places
from plugins.alert_settings import AlertSettings

GRACE_S = 120.0
"""After the hub's start nothing is silent before so long: devices must find their way back first."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a place is. `since` tells this silence from the next one."""

    place: str
    state: State
    what: str
    since: datetime
    value: float = 0.0


class Watch:
    """Looks at every watched place.

    Args:
        started_at: When the hub began to listen, by its own clock.
    """

    def __init__(self, settings: AlertSettings, started_at: datetime) -> None:
        self._settings = settings
        self._started_at = started_at

    async def look(self, now: datetime, delivery: Delivery, open_places: Sequence[str]) -> list[Look]:
        """Return how the watched places are.

        Args:
            open_places: Where an alert holds, which may end.
        """
        settings = self._settings
        if settings.rule in {"above", "below"}:
            return await self._look_at_counts(now, delivery, open_places)
        devices = {device.name: device for device in await delivery.recall.devices()}
        places = watched_places(settings, devices)
        if settings.rule == "offline":
            return [self._look_at_state(place, devices, now) for place in places]
        if settings.labels is None and settings.cameras is None:
            return [self._look_at_silence(place, devices, now) for place in places]
        return [await self._look_for_events(place, now, delivery) for place in places]

    def _is_early(self, now: datetime, after_s: float) -> bool:
        return now - self._started_at < timedelta(seconds=min(after_s, GRACE_S))

    def _look_at_state(self, place: str, devices: dict[str, DeviceSeen], now: datetime) -> Look:
        """A device is offline when its last will, or itself, said so and nothing else since."""
        found = self._in_place(place, devices)
        states = [(device.state, device.state_at or device.last_seen_at) for device in found]
        what = describe_rule(self._settings)
        off = [at for state, at in states if state == "offline"]
        if not states or len(off) < len(states):
            return Look(place, "clear", what, now)
        since = max(off)
        due = now - since >= timedelta(seconds=self._settings.after_s)
        early = self._is_early(now, self._settings.after_s)
        return Look(place, "beyond" if due and not early else "between", what, since)

    def _look_at_silence(self, place: str, devices: dict[str, DeviceSeen], now: datetime) -> Look:
        """A device is silent when nothing at all came from it: no event, no status."""
        heard = [device.last_seen_at for device in self._in_place(place, devices)]
        last = max(heard, default=self._started_at)
        silent = now - last >= timedelta(seconds=self._settings.after_s)
        return self._judge_silence(place, now, last, silent=silent)

    def _in_place(self, place: str, devices: dict[str, DeviceSeen]) -> list[DeviceSeen]:
        fits = self._settings.fits_device
        return [
            device
            for device in devices.values()
            if place == device.name or (place == ALL and fits(device.name))
        ]

    async def _look_for_events(self, place: str, now: datetime, delivery: Delivery) -> Look:
        """With labels or cameras: silent when no such event was captured."""
        since = now - timedelta(seconds=self._settings.after_s)
        if await count_events(self._settings, place, since, delivery):
            return Look(place, "clear", describe_rule(self._settings), now)
        newest = [
            event.captured_at
            for device, camera in counted_in(self._settings, place)
            for label in _labels(self._settings)
            if (
                event := await delivery.recall.newest(
                    device=device, camera=camera, label=label, min_confidence=_least(self._settings)
                )
            )
        ]
        return self._judge_silence(place, now, max(newest, default=self._started_at), silent=True)

    def _judge_silence(self, place: str, now: datetime, last: datetime, *, silent: bool) -> Look:
        early = self._is_early(now, self._settings.after_s)
        state: State = "clear" if not silent else "between" if early else "beyond"
        return Look(place, state, describe_rule(self._settings), last)

    async def _look_at_counts(
        self, now: datetime, delivery: Delivery, open_places: Sequence[str]
    ) -> list[Look]:
        """`above` begins with an event, so only what holds is looked at; `below` is all found here."""
        settings = self._settings
        places = list(open_places)
        if settings.rule == "below":
            devices = await delivery.recall.devices()
            places = watched_places(settings, [device.name for device in devices])
        found = []
        for place in places:
            value = await count_value(settings, place, now, delivery)
            state = judge_value(settings, value)
            if state == "beyond" and self._is_early(now, settings.within_s):
                state = "between"
            found.append(Look(place, state, describe_rule(settings, value), now, value))
        return found


async def count_value(settings: AlertSettings, place: str, until: datetime, delivery: Delivery) -> float:
    """Return the events of a place within the window before a moment, or how many that is a minute."""
    since = until - timedelta(seconds=settings.within_s)
    count = await count_events(settings, place, since, delivery)
    return count if settings.measure == "count" else count * 60 / max(settings.within_s, 1.0)


async def count_events(settings: AlertSettings, place: str, since: datetime, delivery: Delivery) -> int:
    """Return how many events of a place, captured since then, show a label that is watched."""
    total = 0
    for device, camera in counted_in(settings, place):
        for label in _labels(settings):
            total += await delivery.count_events(
                since=since,
                label=label,
                device=device,
                camera=camera,
                min_confidence=_least(settings),
            )
    return total


def _labels(settings: AlertSettings) -> list[str | None]:
    return [*sorted(settings.labels)] if settings.labels is not None else [None]


def _least(settings: AlertSettings) -> float:
    """Return the least confidence that counts; what is absent without labels is any event at all."""
    return 0.0 if settings.rule == "absent" and settings.labels is None else settings.min_confidence

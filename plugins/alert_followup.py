"""What follows an alert without an event: escalations, the end of it, and alerts of silences."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.plugin import Delivery
from plugins.alert_ledger import ACKNOWLEDGED, BEGAN, ENDED, find_effect
from plugins.alert_notice import Kind, Notice, Target
from plugins.alert_rule import show_duration, show_place, show_roughly, split_place
from plugins.alert_targets import Sent, fingerprint, send_once

GIVE_UP_S = 7200.0
LONGEST_PAUSE_S = 600.0


@dataclass(slots=True)
class Running:
    """An alert that something may still follow.

    `untold` are those that no event's delivery tells of. `settled` are the keys of what was sent, or given
    up; `paused` says of others how long they pause, in seconds, and until when.
    """

    id: str
    place: str
    what: str
    began_at: datetime
    ended_at: datetime | None = None
    acknowledged: bool = False
    untold: bool = False
    settled: set[str] = field(default_factory=set)
    paused: dict[str, tuple[float, datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell when nobody has acknowledged an alert for so long."""

    after_s: float
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class Due:
    """A notice that is due since `at`."""

    kind: Kind
    name: str
    at: datetime
    targets: Sequence[Target]


def list_due(
    alert: Running, steps: Sequence[Step], targets: Sequence[Target], now: datetime, *, recovery: bool
) -> Iterator[Due]:
    """Yield the notices that an alert asks for by now. Pure.

    Nothing is escalated that is acknowledged or over.
    """
    if alert.untold:
        yield Due("alert", "alert", alert.began_at, targets)
    if alert.ended_at is not None and recovery:
        yield Due("recovered", "recovered", alert.ended_at, targets)
    if alert.acknowledged or alert.ended_at is not None:
        return
    for number, step in enumerate(steps, start=1):
        at = alert.began_at + timedelta(seconds=step.after_s)
        if at <= now:
            yield Due("escalated", f"escalated-{number}", at, step.targets)


class FollowUp:
    """Sends what is due, each notice to each target by itself, until it has arrived or two hours have passed.

    What was sent is in the ledger; here is only what was found there, and when to try again.

    Args:
        rule: What alerts are about, in words.
        tells: Alerts themselves are told here, since no event brings them.
        link: Returns the link that acknowledges an alert which began at a time; None where there are none.
    """

    def __init__(
        self,
        plugin: str,
        rule: str,
        steps: Sequence[Step],
        targets: Sequence[Target],
        log: logging.Logger,
        *,
        recovery: bool,
        tells: bool,
        link: Callable[[str, datetime], str] | None = None,
    ) -> None:
        self._plugin = plugin
        self._rule = rule
        self._steps = steps
        self._targets = targets
        self._log = log
        self._recovery = recovery
        self._tells = tells
        self._link = link
        self._running: dict[str, Running] = {}
        self._loaded = False

    def add(self, alert: Running) -> None:
        """Follow an alert that has begun."""
        if self._steps or self._recovery or alert.untold:
            self._running[alert.id] = alert

    def end(self, alert: Running) -> None:
        """Note that an alert is over since `alert.ended_at`; one that began long ago is taken up again."""
        known = self._running.setdefault(alert.id, alert)
        known.ended_at = alert.ended_at

    async def run(self, now: datetime, delivery: Delivery) -> None:
        """Send what is due now and was not sent yet."""
        if not self._loaded:
            await self._load(now, delivery)
            self._loaded = True
        await self._look_for_acknowledgements(delivery)
        sends = [
            self._send(target, alert, due, now, delivery)
            for alert in list(self._running.values())
            for due in list_due(alert, self._steps, self._targets, now, recovery=self._recovery)
            for target in due.targets
        ]
        await asyncio.gather(*sends)
        self._forget(now)

    async def _load(self, now: datetime, delivery: Delivery) -> None:
        """Read from the ledger what a hub that was stopped has left to send."""
        since = now - timedelta(seconds=self._horizon_s())
        for effect in await delivery.recall.effects(prefix=BEGAN, since=since):
            known = effect.key.removeprefix(BEGAN)
            found = Running(known, effect.group, self._rule, effect.began_at, untold=self._tells)
            self._running.setdefault(known, found)
        for effect in await delivery.recall.effects(prefix=ENDED, since=since):
            known = effect.key.removeprefix(ENDED)
            began = await find_effect(delivery.recall, f"{BEGAN}{known}")
            if began is not None:
                alert = Running(known, began.group, self._rule, began.began_at, effect.began_at)
                self.end(alert)

    def _horizon_s(self) -> float:
        return max((step.after_s for step in self._steps), default=0.0) + GIVE_UP_S

    async def _look_for_acknowledgements(self, delivery: Delivery) -> None:
        waiting = [alert for alert in self._running.values() if not alert.acknowledged]
        if not waiting or not self._steps:
            return
        oldest = min(alert.began_at for alert in waiting)
        found = await delivery.recall.effects(prefix=ACKNOWLEDGED, since=oldest)
        keys = {effect.key.removeprefix(ACKNOWLEDGED) for effect in found}
        for alert in waiting:
            alert.acknowledged = alert.id in keys

    async def _send(
        self, target: Target, alert: Running, due: Due, now: datetime, delivery: Delivery
    ) -> None:
        key = f"to/{alert.id}/{due.name}/{fingerprint(target)}"
        pause_s, until = alert.paused.get(key, (0.0, now))
        if key in alert.settled or until > now:
            return
        if now - due.at > timedelta(seconds=GIVE_UP_S):
            alert.settled.add(key)
            self._log.error(
                "alert.undelivered %s of alert %s to %s: given up", due.name, alert.id, target.name
            )
            return
        sent = Sent()
        if await send_once(target, self._write(alert, due, key), delivery, sent) or sent.unknown:
            alert.settled.add(key)
        for unknown in sent.unknown:
            self._log.warning("alert.unknown %s of alert %s: %s", due.name, alert.id, unknown)
        for error in sent.failed:
            pause_s = min(max(2 * pause_s, error.after_s), max(LONGEST_PAUSE_S, error.after_s))
            alert.paused[key] = (pause_s, now + timedelta(seconds=pause_s))
            self._log.warning("alert.retrying %s of alert %s: %s", due.name, alert.id, error)

    def _write(self, alert: Running, due: Due, key: str) -> Notice:
        device, camera = split_place(alert.place)
        facts: dict[str, object] = {
            "plugin": self._plugin,
            "device": device,
            "camera": camera,
            "what": alert.what,
            "began_at": alert.began_at.isoformat(),
            "ended_at": alert.ended_at.isoformat() if alert.ended_at else None,
        }
        title, body = write_followup(self._plugin, self._rule, alert, due)
        notice = Notice(key, alert.began_at, alert.id, due.kind, title, body, facts)
        if self._link is None or due.kind == "recovered":
            return notice
        return notice.linked(self._link(alert.id, alert.began_at))

    def _forget(self, now: datetime) -> None:
        """Drop what nothing can follow any more."""
        for alert in list(self._running.values()):
            last = alert.ended_at or alert.began_at + timedelta(seconds=self._horizon_s() - GIVE_UP_S)
            nothing_left = alert.acknowledged and not self._recovery
            if nothing_left or now - last > timedelta(seconds=GIVE_UP_S):
                del self._running[alert.id]


def write_followup(plugin: str, rule: str, alert: Running, due: Due) -> tuple[str, str]:
    """Return title and body of a notice that no event brings. Pure."""
    place = show_place(alert.place)
    began = f"{alert.began_at:%Y-%m-%d %H:%M:%S} (UTC)"
    if due.kind == "recovered" and alert.ended_at is not None:
        about = f"{rule} on {place}"
        lasted = show_roughly((alert.ended_at - alert.began_at).total_seconds())
        return f"Over: {about}", f"{about}: over after {lasted} (alert {alert.id}, since {began})"
    about = f"{alert.what} on {place}"
    if due.kind == "escalated":
        how = f"lenshub alerts ack {alert.id} --plugin {plugin}"
        waited = show_duration((due.at - alert.began_at).total_seconds())
        title = f"Nobody acknowledged for {waited}: {about}"
        return title, f"{about}, since {began}. To acknowledge: {how}"
    return write_beginning(alert)


def write_beginning(alert: Running) -> tuple[str, str]:
    """Return title and body of an alert that no event brings. Pure."""
    about = f"{alert.what} on {show_place(alert.place)}"
    return about, f"{about}, noticed at {alert.began_at:%Y-%m-%d %H:%M:%S} (UTC), alert {alert.id}"

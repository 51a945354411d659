"""Alerts by a rule: a label seen, a level crossed, silence, a device offline, two models that disagree."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from hub.event import Detection, Event
from hub.plugin import (
    AlreadyDone,
    Delivery,
    Digest,
    OutcomeUnknown,
    PluginContext,
    Reject,
    RetryLater,
    Skip,
    StoredFrame,
    hookimpl,
)
from hub.template import event_values
from plugins.alert_followup import FollowUp, Running, Step, write_beginning
from plugins.alert_ledger import BEGAN, ENDED, OpenAlerts, find_effect
from plugins.alert_notice import Notice, Picture
from plugins.alert_page import AlertPage
from plugins.alert_rule import (
    Cause,
    check_watched,
    counted_in,
    describe_rule,
    find_disagreement,
    judge_value,
    matching_detections,
    measure_event,
    named_detections,
    place_of,
)
from plugins.alert_settings import LEVELS, SILENCES, AlertSettings, Escalation
from plugins.alert_silence import Look, Watch, count_value
from plugins.alert_targets import Sent, enter_targets, make_targets, send_all
from plugins.digest_text import describe_digest
from plugins.plain_text import defuse_all

JUDGED_PLACES = 10_000


class ThresholdAlerts:
    """Remembers in the ledger what it told, counts in the log, and tells each target by itself."""

    Settings = AlertSettings

    def __init__(self, settings: AlertSettings, context: PluginContext) -> None:
        self._settings = settings
        self._name = context.name
        self._log = context.log
        self._targets = make_targets(settings, settings.allow_hosts)
        link = settings.acknowledge
        self._page = AlertPage(link, context.name, context.data_dir) if link else None
        self._steps = [self._make_step(escalation) for escalation in settings.escalations]
        self._open = OpenAlerts()
        self._judged: dict[str, tuple[int, bool]] = {}
        self._deciding = asyncio.Lock()
        self._follow_up = FollowUp(
            context.name,
            describe_rule(settings),
            self._steps,
            self._targets,
            context.log,
            recovery=settings.recovery and settings.rule in LEVELS + SILENCES,
            tells=self._finds_by_time,
            link=self._page.link if self._page else None,
        )
        self._watch: Watch | None = None
        self._stack = AsyncExitStack()

    def _make_step(self, escalation: Escalation) -> Step:
        found = make_targets(escalation, self._settings.allow_hosts)
        return Step(escalation.after_s, found or self._targets)

    @property
    def _counts(self) -> bool:
        return self._settings.rule in LEVELS and self._settings.measure in {"count", "rate"}

    @property
    def _finds_by_time(self) -> bool:
        """Whether alerts begin by the clock, not by an event."""
        return self._settings.rule in SILENCES or (self._counts and self._settings.rule == "below")

    async def __aenter__(self) -> Self:
        targets = {id(target): target for target in self._targets}
        targets |= {id(target): target for step in self._steps for target in step.targets}
        async with AsyncExitStack() as stack:
            await enter_targets(list(targets.values()), stack)
            if self._page is not None:
                await stack.enter_async_context(self._page)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None, delivery: Delivery) -> str | None:
        """Alert if the event asks for it; the note says by which targets.

        Raises:
            Skip: It does not match, was not seen often enough, or the cooldown holds.
            RetryLater: Targets failed; the next attempt tries only those.
            OutcomeUnknown: A target did not answer; it is not tried again.
        """
        if self._finds_by_time:
            return None
        check_watched(self._settings, event)
        if self._settings.rule in LEVELS:
            found = await self._find_level(event, delivery)
        elif self._settings.rule == "disagree":
            found = await self._find_disagreement(event, delivery)
        else:
            found = await self._find_seen(event, delivery)
        if isinstance(found, str):
            return found
        return await self._alert(found, event, frame, delivery)

    @hookimpl
    async def digest(self, digest: Digest, delivery: Delivery) -> str:
        """Tell in one notice what `suppress` or a snooze held back; it ends as an alert does."""
        title, body = describe_digest(digest)
        name = f"digest/{digest.number}"
        facts = {"plugin": self._name, "count": digest.count, "until": digest.until.isoformat()}
        notice = Notice(f"to/{name}", digest.since, name, "digest", title, body, facts)
        with suppress(AlreadyDone, OutcomeUnknown):
            async with delivery.once(name):
                self._say(notice)
        sent = Sent(["log"] if self._settings.log else [])
        await send_all(self._targets, [notice], delivery, sent)
        return self._conclude(sent)

    @hookimpl
    async def tick(self, now: datetime, delivery: Delivery) -> None:
        """Look for silences and for what is over, and send what follows alerts."""
        if self._page is not None:
            await self._page.write_down(delivery)
        if self._finds_by_time or self._counts:
            if self._watch is None:
                self._watch = Watch(self._settings, now)
                await self._open.load(delivery.recall)
            holding = self._open.places()
            for look in await self._watch.look(now, delivery, holding):
                await self._take_look(look, now, delivery)
        await self._follow_up.run(now, delivery)

    async def _find_seen(self, event: Event, delivery: Delivery) -> Cause:
        """Return the detection that gives cause for an alert, and how often its like was seen."""
        settings = self._settings
        matching = matching_detections(settings, event)
        place = place_of(event, settings.per)
        if settings.count == 1:
            return _cause(place, matching[0], 1)
        best: dict[str, Detection] = {}
        for detection in matching:
            best.setdefault(detection.label, detection)
        causes = list(best.values()) if settings.labels is not None else matching[:1]
        counts = [await self._count(event, cause, delivery) for cause in causes]
        for cause, count in zip(causes, counts, strict=True):
            if count >= settings.count:
                return _cause(place, cause, count)
        raise Skip(f"seen {max(counts)} of {settings.count} times within {settings.within_s:g} s")

    async def _count(self, event: Event, cause: Detection, delivery: Delivery) -> int:
        settings = self._settings
        place = place_of(event, settings.per)
        wheres = [(event.device, event.camera)] if settings.per == "camera" else counted_in(settings, place)
        counts = [
            await delivery.count_events(
                since=event.captured_at - timedelta(seconds=settings.within_s),
                label=None if settings.labels is None else cause.label,
                device=device,
                camera=camera,
                min_confidence=settings.min_confidence,
            )
            for device, camera in wheres
        ]
        return sum(counts)

    async def _find_disagreement(self, event: Event, delivery: Delivery) -> Cause:
        others = await delivery.recall.same_frame(event)
        what, label, confidence = find_disagreement(self._settings, event, others)
        return Cause(place_of(event, self._settings.per), what, label, confidence)

    async def _find_level(self, event: Event, delivery: Delivery) -> Cause | str:
        """Return why an alert begins, or a note that one is over."""
        settings, place = self._settings, place_of(event, self._settings.per)
        if self._counts:
            value: float | None = await count_value(settings, place, event.captured_at, delivery)
        else:
            value = measure_event(settings, event)
        if value is None:
            raise Skip(f"nothing to measure: no {settings.measure}")
        state = judge_value(settings, value)
        what = describe_rule(settings, value)
        newest, _ = self._judged.get(place, (0, False))
        if event.id > newest and not self._counts:
            self._note_judged(place, event.id, clear=state == "clear")
        if state == "beyond":
            best = next(iter(named_detections(settings, event)), None)
            label, confidence = (best.label, best.confidence) if best else ("", 0.0)
            return Cause(place, what, label, confidence, value=value)
        if state == "clear" and not self._counts:
            return await self._end_by_event(place, event, delivery, what)
        raise Skip(f"{what}: not so")

    def _note_judged(self, place: str, event_id: int, *, clear: bool) -> None:
        """Remember the newest event of a place: deliveries may overtake one another."""
        if len(self._judged) >= JUDGED_PLACES:
            self._judged.clear()
        self._judged[place] = (event_id, clear)

    async def _end_by_event(self, place: str, event: Event, delivery: Delivery, what: str) -> str:
        async with self._deciding:
            alert = await self._open.find(place, delivery.recall)
            if alert is None or (alert.isdecimal() and int(alert) > event.id):
                raise Skip(f"{what}: not so")
            await self._end(place, alert, event.captured_at, delivery)
        return f"alert {alert} is over"

    async def _end(self, place: str, alert: str, at: datetime, delivery: Delivery) -> None:
        with suppress(AlreadyDone, OutcomeUnknown):
            async with delivery.once(f"{ENDED}{alert}", repeatable=True):
                self._log.info("alert %s is over: %s on %s", alert, describe_rule(self._settings), place)
        self._open.end(place)
        began = await find_effect(delivery.recall, f"{BEGAN}{alert}")
        began_at = began.began_at if began else at
        self._follow_up.end(Running(alert, place, describe_rule(self._settings), began_at, max(at, began_at)))

    async def _alert(self, cause: Cause, event: Event, frame: StoredFrame | None, delivery: Delivery) -> str:
        alert = str(event.id)
        notice = self._write(cause, event, alert)
        # The alert takes the cooldown once, whatever becomes of its targets; a later attempt finds it taken.
        async with self._deciding if self._settings.rule in LEVELS else nullcontext():
            if self._settings.rule in LEVELS:
                holds = await self._open.find(cause.place, delivery.recall)
                if holds not in {None, alert}:
                    raise Skip(f"{cause.what}: alert {holds} holds already")
            await self._begin(alert, cause, notice, event.received_at, delivery)
            newest, clear = self._judged.get(cause.place, (0, False))
            if newest > event.id and clear and await self._open.find(cause.place, delivery.recall) == alert:
                await self._end(cause.place, alert, event.captured_at, delivery)
        sent = Sent(["log"] if self._settings.log else [])
        if self._page is not None:  # only now: the link is a secret, which does not go to the log
            notice = notice.linked(self._page.link(alert, event.received_at))
        notices = await self._with_picture(notice, event, frame)
        await send_all(self._targets, notices, delivery, sent)
        return self._conclude(sent)

    async def _begin(
        self, alert: str, cause: Cause, notice: Notice, at: datetime, delivery: Delivery
    ) -> None:
        with suppress(AlreadyDone, OutcomeUnknown):
            cooldown_s = self._settings.cooldown_s
            async with delivery.once(f"{BEGAN}{alert}", group=cause.place, cooldown_s=cooldown_s):
                self._say(notice)
            if self._settings.rule in LEVELS:
                self._open.begin(cause.place, alert)
            self._follow_up.add(Running(alert, cause.place, cause.what, at))

    def _say(self, notice: Notice) -> None:
        if self._settings.log:
            self._log.warning("alert %s: %s", " ".join(notice.title.split()), " ".join(notice.body.split()))

    def _write(self, cause: Cause, event: Event, alert: str) -> Notice:
        plain = event_values(event, cause.label, cause.confidence)
        plain |= {"count": cause.count, "value": cause.value}
        values = defuse_all(plain) | {"what": cause.what}
        title, body = (template.render(values) for template in self._settings.texts())
        facts = plain | {"what": cause.what, "time": event.captured_at.isoformat(), "plugin": self._name}
        return Notice(f"to/{alert}/alert", event.received_at, alert, "alert", title, body, facts)

    async def _with_picture(
        self, notice: Notice, event: Event, frame: StoredFrame | None
    ) -> Sequence[Notice]:
        """Return the notices of an alert: one with the picture, or the text and then the picture."""
        if frame is None or not self._targets or self._settings.picture == "none":
            return [notice]
        picture = await self._read_picture(event, frame)
        if picture is None:
            return [notice]
        if self._settings.picture == "attach":
            return [notice.showing(picture)]
        return [notice, notice.showing(picture, f"to/{notice.alert}/picture")]

    async def _read_picture(self, event: Event, frame: StoredFrame) -> Picture | None:
        try:
            data = await frame.read()
        except Reject:  # an alert without its picture is better than none
            return None
        return data, f"event-{event.id}.{frame.media_type.removeprefix('image/')}", frame.media_type

    def _conclude(self, sent: Sent) -> str:
        """Return the note, or raise what the targets that are left ask for."""
        targets = len(sent.done) - self._settings.log
        parts = ["log"] * self._settings.log
        if targets:
            parts.append(f"{targets} target{'s' * (targets > 1)}")
        done = f"alerted: {', '.join(parts) or 'nobody'}"
        if sent.failed:
            reasons = "; ".join([*map(str, sent.failed), *sent.unknown])
            raise RetryLater(max(error.after_s for error in sent.failed), f"{reasons} ({done})")
        if sent.unknown:
            raise OutcomeUnknown(f"{'; '.join(sent.unknown)} ({done})")
        return done

    async def _take_look(self, look: Look, now: datetime, delivery: Delivery) -> None:
        """Begin or end the alert of a place by what was seen of it."""
        async with self._deciding:
            holds = await self._open.find(look.place, delivery.recall)
            if look.state == "clear" and holds is not None:
                await self._end(look.place, holds, now, delivery)
            if look.state == "beyond" and holds is None and self._finds_by_time:
                await self._begin_by_time(look, now, delivery)

    async def _begin_by_time(self, look: Look, now: datetime, delivery: Delivery) -> None:
        alert = f"{self._settings.rule}:{look.place}:{look.since.astimezone(UTC):%Y%m%dT%H%M%S}"
        running = Running(alert, look.place, look.what, now, untold=True)
        group, cooldown_s = look.place, self._settings.cooldown_s
        with suppress(AlreadyDone, OutcomeUnknown, Skip):
            async with delivery.once(f"{BEGAN}{alert}", group=group, cooldown_s=cooldown_s):
                if self._settings.log:
                    self._log.warning("alert %s: %s", *write_beginning(running))
            self._open.begin(look.place, alert)
            self._follow_up.add(running)


def _cause(place: str, seen: Detection, count: int) -> Cause:
    return Cause(place, seen.label, seen.label, seen.confidence, count, float(count))

"""Alerts when a label is seen with enough confidence, often enough, and not too soon after the last alert."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from hub.event import Detection, DeviceName, Event, Fraction, Name
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
from hub.template import Template, event_values, template_of
from plugins.alert_channel import Alert, AlertChannel, Unanswered, check_channel
from plugins.digest_text import describe_digest
from plugins.plain_text import defuse_all

FIELDS = ("device", "camera", "place", "label", "confidence", "count", "time", "event_id", "source")
TITLE = Template.parse("{label} on {place}", frozenset(FIELDS))
BODY = Template.parse(
    "{label} at {time:%Y-%m-%d %H:%M:%S} (UTC) on {place}, confidence {confidence:.0%} (event {event_id})",
    frozenset(FIELDS),
)


def _check_channel(url: SecretStr) -> SecretStr:
    check_channel(url.get_secret_value())
    return url


AlertTemplate = Annotated[Template, template_of(*FIELDS)]
ChannelUrl = Annotated[SecretStr, AfterValidator(_check_channel)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]


@dataclass(slots=True)
class _Sent:
    """What came of the targets of one alert, by their names."""

    done: list[str]
    failed: list[RetryLater]
    unknown: list[str]


class ThresholdAlerts:
    """Counts in the log, cools down by the ledger, sends through Apprise and to the hub's log."""

    class Settings(BaseModel):
        """What is worth an alert, how often, and where it goes."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        labels: frozenset[Name] | None = None
        devices: frozenset[DeviceName] | None = None
        cameras: frozenset[Name] | None = None
        min_confidence: Fraction = 0.8
        count: Annotated[int, Field(ge=1, le=100_000)] = 1
        within_s: Seconds = 60.0
        cooldown_s: Seconds = 300.0
        per: Literal["camera", "device", "all"] = "camera"
        channels: Annotated[tuple[ChannelUrl, ...], Field(max_length=50)] = ()
        log: bool = True
        title: AlertTemplate = TITLE
        body: AlertTemplate = BODY
        attach_frame: bool = True

        @model_validator(mode="after")
        def _somewhere(self) -> ThresholdAlerts.Settings:
            if not self.log and not self.channels:
                raise ValueError("alerts go nowhere: add channels, or leave log = true")
            return self

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._settings = settings
        self._log = context.log
        self._channels = [AlertChannel(url.get_secret_value()) for url in settings.channels]

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None, delivery: Delivery) -> str:
        """Alert if the event asks for it; the note says by which channels.

        Raises:
            Skip: It does not match, was not seen often enough, or the cooldown holds.
            RetryLater: Channels failed; the next attempt tries only those.
            OutcomeUnknown: A channel did not answer; it is not tried again.
        """
        seen, count = await self._find_cause(event, delivery)
        values = defuse_all(event_values(event, seen.label, seen.confidence) | {"count": count})
        title, body = self._settings.title.render(values), self._settings.body.render(values)
        group = self._group(event)
        # The alert takes the cooldown once, whatever becomes of its targets; a later attempt finds it taken.
        with suppress(AlreadyDone, OutcomeUnknown):
            async with delivery.once(f"alert/{event.id}", group=group, cooldown_s=self._settings.cooldown_s):
                if self._settings.log:
                    self._log.warning("alert %s: %s", " ".join(title.split()), " ".join(body.split()))
        sent = await self._send_all(
            Alert(title, body, await self._picture(event, frame)), f"{event.id}", delivery
        )
        return self._conclude(sent)

    @hookimpl
    async def digest(self, digest: Digest, delivery: Delivery) -> str:
        """Tell in one alert what `suppress` or a snooze held back; it ends as an alert does."""
        title, body = describe_digest(digest)
        with suppress(AlreadyDone, OutcomeUnknown):
            async with delivery.once(f"alert/digest/{digest.number}"):
                if self._settings.log:
                    self._log.warning("alert %s: %s", title, " | ".join(body.splitlines()))
        sent = await self._send_all(Alert(title, body, None), f"digest/{digest.number}", delivery)
        return self._conclude(sent)

    def _group(self, event: Event) -> str:
        """Return what the cooldown is of; a camera without a name is its device's only one."""
        if self._settings.per == "all":
            return "all"
        named = self._settings.per == "camera" and event.camera
        return f"{event.device}/{event.camera}" if named else event.device

    async def _find_cause(self, event: Event, delivery: Delivery) -> tuple[Detection, int]:
        """Return the detection that gives cause for an alert, and how often its like was seen."""
        matching = self._matching(event)
        if self._settings.count == 1:
            return matching[0], 1
        best: dict[str, Detection] = {}
        for detection in matching:
            best.setdefault(detection.label, detection)
        causes = list(best.values()) if self._settings.labels is not None else matching[:1]
        counts = [await self._count(event, cause, delivery) for cause in causes]
        for cause, count in zip(causes, counts, strict=True):
            if count >= self._settings.count:
                return cause, count
        raise Skip(f"seen {max(counts)} of {self._settings.count} times within {self._settings.within_s:g} s")

    def _matching(self, event: Event) -> list[Detection]:
        """Return the detections that match, best first."""
        settings = self._settings
        if settings.devices is not None and event.device not in settings.devices:
            raise Skip(f"device {event.device} is not watched")
        if settings.cameras is not None and event.camera not in settings.cameras:
            raise Skip(f"camera {event.camera or 'without a name'} is not watched")
        named = [d for d in event.detections if settings.labels is None or d.label in settings.labels]
        if not named:
            raise Skip("no label that is watched" if event.detections else "no detections")
        named.sort(key=lambda detection: detection.confidence, reverse=True)
        if named[0].confidence < settings.min_confidence:
            raise Skip(f"confidence {named[0].confidence:.2f} is below {settings.min_confidence:.2f}")
        return [detection for detection in named if detection.confidence >= settings.min_confidence]

    async def _count(self, event: Event, cause: Detection, delivery: Delivery) -> int:
        settings = self._settings
        counts = [
            await delivery.count_events(
                since=event.captured_at - timedelta(seconds=settings.within_s),
                label=None if settings.labels is None else cause.label,
                device=device,
                camera=camera,
                min_confidence=settings.min_confidence,
            )
            for device, camera in self._places(event)
        ]
        return sum(counts)

    def _places(self, event: Event) -> list[tuple[str | None, str | None]]:
        """Return the devices and cameras whose events count together; None is any."""
        settings = self._settings
        if settings.per == "camera":
            return [(event.device, event.camera)]
        devices = sorted(settings.devices) if settings.devices is not None else [None]
        cameras = sorted(settings.cameras) if settings.cameras is not None else [None]
        return list(product(devices if settings.per == "all" else [event.device], cameras))

    async def _picture(self, event: Event, frame: StoredFrame | None) -> tuple[bytes, str, str] | None:
        if frame is None or not self._channels or not self._settings.attach_frame:
            return None
        try:
            data = await frame.read()
        except Reject:  # an alert without its picture is better than none
            return None
        return data, f"event-{event.id}.{frame.media_type.removeprefix('image/')}", frame.media_type

    async def _send_all(self, alert: Alert, name: str, delivery: Delivery) -> _Sent:
        sent = _Sent(["log"] if self._settings.log else [], [], [])
        async with asyncio.TaskGroup() as group:
            for number, channel in enumerate(self._channels):
                key = f"{name}/{number}"
                group.create_task(_send_once(channel, alert, key, delivery, sent), name=f"alert {key}")
        return sent

    def _conclude(self, sent: _Sent) -> str:
        """Return the note, or raise what the targets that are left ask for."""
        channels = len(sent.done) - self._settings.log
        parts = ["log"] * self._settings.log
        if channels:
            parts.append(f"{channels} channel{'s' * (channels > 1)}")
        done = f"alerted: {', '.join(parts) or 'nobody'}"
        if sent.failed:
            reasons = "; ".join([*map(str, sent.failed), *sent.unknown])
            raise RetryLater(max(error.after_s for error in sent.failed), f"{reasons} ({done})")
        if sent.unknown:
            raise OutcomeUnknown(f"{'; '.join(sent.unknown)} ({done})")
        return done


async def _send_once(channel: AlertChannel, alert: Alert, key: str, delivery: Delivery, sent: _Sent) -> None:
    try:
        async with delivery.once(key):
            await channel.send(alert)
        sent.done.append(channel.name)
    except AlreadyDone:
        sent.done.append(channel.name)
    except RetryLater as error:
        sent.failed.append(error)
    except (Unanswered, OutcomeUnknown) as error:
        sent.unknown.append(f"{channel.name}: {error}" if isinstance(error, OutcomeUnknown) else str(error))

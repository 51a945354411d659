"""The settings of threshold-alerts: the rule, where notices go, and which settings a rule has a use for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from hub.dispatch.match_names import Fits, Names, compile_names
from hub.event import DEVICE_PATTERN, Event, Fraction
from hub.guarded_address import ForbiddenUrlError, plain_host
from hub.plugin import Skip
from hub.template import SAMPLES, Template, event_values, template_of
from plugins.alert_channel import check_channel
from plugins.alert_mqtt import MqttSettings
from plugins.alert_page import LinkSettings
from plugins.alert_sns import SnsSettings
from plugins.alert_webhook import WebhookSettings
from plugins.plain_text import defuse_all

FIELDS = (
    *("device", "camera", "place", "label", "confidence", "count", "time", "event_id", "source"),
    *("what", "value"),
)
TITLE = Template.parse("{label} on {place}", frozenset(FIELDS))
BODY = Template.parse(
    "{label} at {time:%Y-%m-%d %H:%M:%S} (UTC) on {place}, confidence {confidence:.0%} (event {event_id})",
    frozenset(FIELDS),
)
WHAT_TITLE = Template.parse("{what} on {place}", frozenset(FIELDS))
WHAT_BODY = Template.parse("{what} on {place}, at {time:%Y-%m-%d %H:%M:%S} (UTC)", frozenset(FIELDS))

RuleName = Literal["seen", "above", "below", "absent", "offline", "disagree"]
LEVELS = ("above", "below")
SILENCES = ("absent", "offline")
# Settings that only some rules have a use for.
_ONLY_FOR: dict[str, tuple[str, ...]] = {
    "labels": ("seen", "above", "below", "absent", "disagree"),
    "cameras": ("seen", "above", "below", "absent", "disagree"),
    "min_confidence": ("seen", "above", "below", "absent", "disagree"),
    "count": ("seen",),
    "within_s": ("seen", *LEVELS),
    "measure": LEVELS,
    "level": LEVELS,
    "clear_level": LEVELS,
    "after_s": SILENCES,
    "margin": ("disagree",),
    "recovery": (*LEVELS, *SILENCES),
    "picture": ("seen", *LEVELS, "disagree"),
    "title": ("seen", *LEVELS, "disagree"),
    "body": ("seen", *LEVELS, "disagree"),
}


def _check_channel(url: SecretStr) -> SecretStr:
    check_channel(url.get_secret_value())
    return url


def _check_devices(names: frozenset[str]) -> frozenset[str]:
    fitting = re.compile(DEVICE_PATTERN)
    wrong = sorted(name for name in names if not fitting.fullmatch(re.sub(r"[*?]", "a", name)))
    if wrong:
        raise ValueError(f"{', '.join(map(repr, wrong))} can be no device's name")
    return names


AlertTemplate = Annotated[Template, template_of(*FIELDS)]
Devices = Annotated[Names, AfterValidator(_check_devices)]
ChannelUrl = Annotated[SecretStr, AfterValidator(_check_channel)]
Channels = Annotated[tuple[ChannelUrl, ...], Field(max_length=50)]
Webhooks = Annotated[tuple[WebhookSettings, ...], Field(max_length=20)]
Topics = Annotated[tuple[SnsSettings, ...], Field(max_length=20)]
MqttTopics = Annotated[tuple[MqttSettings, ...], Field(max_length=20)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Host = Annotated[str, StringConstraints(min_length=1, max_length=253), AfterValidator(plain_host)]
Measure = Annotated[
    str, StringConstraints(pattern=r"^(detections|confidence|count|rate|attributes\..{1,200})$")
]


def is_pattern(name: str) -> bool:
    """Whether a name stands for others too."""
    return "*" in name or "?" in name


def _fits(names: Iterable[str] | None) -> Fits:
    return (lambda _: True) if names is None else compile_names(names)


class Escalation(BaseModel):
    """One `escalations` table: whom to tell as well when nobody has acknowledged after so long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after_s: Annotated[float, Field(gt=0, le=30 * 86_400, allow_inf_nan=False)] = Field(
        description="so long after the alert began, in seconds"
    )
    channels: Channels = Field(
        default=(), description="Apprise URLs to tell; no target at all: those who got the alert"
    )
    webhooks: Webhooks = Field(default=(), description="webhooks to tell")
    sns: Topics = Field(default=(), description="SNS topics to tell")
    mqtt: MqttTopics = Field(default=(), description="MQTT topics to tell")

    def is_empty(self) -> bool:
        """Whether it names nobody: then it goes to those who got the alert."""
        return not (self.channels or self.webhooks or self.sns or self.mqtt)


class AlertSettings(BaseModel):
    """What is worth an alert, how often, and where it goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: RuleName = Field(
        default="seen", description="what gives cause; settings that a rule has no use for are refused"
    )
    labels: Names | None = Field(
        default=None,
        description="labels that are watched, or patterns where nothing is counted or missed; absent: any",
    )
    devices: Devices | None = Field(
        default=None, description="devices that are watched, or patterns, as with labels; absent: any"
    )
    cameras: Names | None = Field(
        default=None, description="cameras that are watched, by name or pattern, as with labels; absent: any"
    )
    min_confidence: Fraction = Field(default=0.8, description="a detection counts from this confidence on")
    count: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1, description="seen: this many events must have shown the same label"
    )
    within_s: Seconds = Field(
        default=60.0, description="the window for count, and for the measures count and rate, in seconds"
    )
    measure: Measure = Field(
        default="detections",
        description="above, below: detections, confidence, count, rate or attributes.NAME",
    )
    level: Number | None = Field(default=None, description="above, below: the alert begins beyond it")
    clear_level: Number | None = Field(
        default=None, description="above, below: it is over at this level; without it at level"
    )
    after_s: Seconds = Field(default=600.0, description="absent, offline: so long without a sign, in seconds")
    margin: Fraction = Field(default=0.2, description="disagree: how far apart the confidences must be")
    recovery: bool = Field(default=True, description="tell when it is over (above, below, absent, offline)")
    cooldown_s: Seconds = Field(
        default=300.0, description="no further alert for so long after one began, in seconds"
    )
    per: Literal["camera", "device", "all"] = Field(
        default="camera", description="what counts and cools down by itself"
    )
    channels: Channels = Field(default=(), description="Apprise URLs; never shown")
    webhooks: Webhooks = Field(default=(), description="where notices are posted as JSON")
    sns: Topics = Field(default=(), description="topics of Amazon SNS")
    mqtt: MqttTopics = Field(default=(), description="topics of MQTT brokers")
    allow_hosts: Annotated[frozenset[Host], Field(max_length=100)] = Field(
        default=frozenset(),
        description="hosts of webhooks that may have private addresses and be asked over plain http",
    )
    escalations: Annotated[tuple[Escalation, ...], Field(max_length=10)] = Field(
        default=(), description="whom to tell as well when nobody has acknowledged"
    )
    acknowledge: LinkSettings | None = Field(
        default=None, description="notices get a signed link to acknowledge their alert"
    )
    log: bool = Field(default=True, description="write a line to the hub's log as well")
    title: AlertTemplate = Field(
        default=TITLE, description="template of the title; of other rules than seen: {what} on {place}"
    )
    body: AlertTemplate = Field(default=BODY, description="template of the text")
    picture: Literal["attach", "later", "none"] = Field(
        default="attach", description="attach it, send the text first and the picture later, or none"
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.log and not (self.channels or self.webhooks or self.sns or self.mqtt):
            raise ValueError("alerts go nowhere: add channels, webhooks, sns or mqtt, or leave log = true")
        return self

    @model_validator(mode="after")
    def _useful(self) -> Self:
        idle = [name for name in self.model_fields_set if self.rule not in _ONLY_FOR.get(name, (self.rule,))]
        if idle:
            names = ", ".join(sorted(idle))
            raise ValueError(f'{names} would do nothing: not for rule = "{self.rule}"')
        if self.rule in LEVELS:
            self._check_levels()
        if self.rule == "absent" and self.labels is None and "min_confidence" in self.model_fields_set:
            raise ValueError('min_confidence would do nothing: rule = "absent" has no labels')
        return self

    def _check_levels(self) -> None:
        if self.level is None:
            raise ValueError(f'level is missing: rule = "{self.rule}" needs it')
        clear = self.clear_level
        if clear is not None and (clear > self.level if self.rule == "above" else clear < self.level):
            raise ValueError(f"clear_level {clear:g} is on the wrong side of level {self.level:g}")
        counts = self.measure in {"count", "rate"}
        unused = {"title", "body", "picture"} & self.model_fields_set
        if counts and self.rule == "below" and unused:
            raise ValueError(f"{', '.join(sorted(unused))} would do nothing: no event brings this alert")
        if self.measure == "confidence" and "min_confidence" in self.model_fields_set:
            raise ValueError('min_confidence would do nothing: measure = "confidence" looks at all')
        if not counts and "within_s" in self.model_fields_set:
            raise ValueError(f'within_s would do nothing: not for measure = "{self.measure}"')

    @model_validator(mode="after")
    def _named(self) -> Self:
        patterns = [
            f"{name}: {pattern!r} is a pattern; list names where events are counted or missed"
            for name in ("labels", "devices", "cameras")
            for pattern in sorted(getattr(self, name) or ())
            if is_pattern(pattern)
        ]
        if patterns and self._asks_store:
            raise ValueError("; ".join(patterns))
        return self

    @property
    def _asks_store(self) -> bool:
        """Whether stored events are asked for by label, device and camera; the store knows no patterns."""
        counts = self.rule in LEVELS and self.measure in {"count", "rate"}
        misses = self.rule == "absent" and not (self.labels is None and self.cameras is None)
        return self.count > 1 or counts or misses

    @cached_property
    def fits_label(self) -> Fits:
        """Whether a label is watched."""
        return _fits(self.labels)

    @cached_property
    def fits_device(self) -> Fits:
        """Whether a device is watched."""
        return _fits(self.devices)

    @cached_property
    def fits_camera(self) -> Fits:
        """Whether a camera is watched."""
        return _fits(self.cameras)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        tables = [("webhooks", self.webhooks)]
        tables += [(f"escalations.{n}.webhooks", step.webhooks) for n, step in enumerate(self.escalations)]
        for place, webhooks in tables:
            for number, webhook in enumerate(webhooks):
                try:
                    webhook.check(self.allow_hosts)
                except ForbiddenUrlError as error:
                    raise ValueError(f"{place}.{number}.url: {error} (see allow_hosts)") from error
        return self

    @model_validator(mode="after")
    def _linked(self) -> Self:
        own = self.channels or self.webhooks or self.sns or self.mqtt
        if self.acknowledge and not own and all(step.is_empty() for step in self.escalations):
            raise ValueError("acknowledge would do nothing: no channels, webhooks, sns or mqtt get its links")
        return self

    def texts(self) -> tuple[Template, Template]:
        """Return title and body; where they were not set, those that suit the rule."""
        plain = self.rule == "seen"
        title = self.title if plain or "title" in self.model_fields_set else WHAT_TITLE
        body = self.body if plain or "body" in self.model_fields_set else WHAT_BODY
        return title, body

    def preview(self, event: Event) -> Mapping[str, str]:
        """Return what `lenshub template try --plugin` shows; `what` and `value` are samples."""
        best = event.best()
        if best is None:
            raise Skip("no detections")
        plain = event_values(event, best.label, best.confidence)
        values = {**SAMPLES, **defuse_all(plain), "count": 1}
        title, body = (template.render(values) for template in self.texts())
        return {"title": title, "body": body}

"""What `retraining` may be told of which events it keeps: strategies, limits, and pictures that are alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.plugin import CaptureLimit

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Per = Literal["all", "label", "device"]


class Table(BaseModel):
    """A table of settings; one it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Confident(Table):
    """A share of what the model is sure of: to see whether it is right to be."""

    min_confidence: Fraction = Field(default=0.9, description="of the best detection, at least")
    share: Share = Field(default=0.05, description="so many of them")


class NearThreshold(Table):
    """What the model is not sure of."""

    band: Share = Field(default=0.1, description="how far from the threshold, to both sides")


class Random(Table):
    """A share of all: to measure by, and to find what no other strategy looks for."""

    share: Share = Field(default=0.01, description="so many of all events")


class Rare(Table):
    """Labels that are seldom seen."""

    below: Share = Field(default=0.05, description="in a smaller share of the last events")
    among: Annotated[int, Field(ge=10, le=10_000)] = Field(
        default=1000, description="so many of the last events"
    )


class Disagree(Table):
    """Pictures in which another model saw something else."""

    overlap: Fraction = Field(
        default=0.5, description="of two boxes that are the same thing, at least (intersection over union)"
    )
    min_confidence: Fraction = Field(default=0.0, description="detections below it are not compared")


class Rejected(Table):
    """What a reviewer rejected lately: the same label of the same device, or a similar picture of it."""

    days: Annotated[float, Field(gt=0, le=365, allow_inf_nan=False)] = Field(
        default=7.0, description="how long a rejection counts"
    )
    bits: Annotated[int, Field(ge=0, le=128)] = Field(
        default=32, description="of the 256 of a similar picture's hash, so many may differ"
    )


class Negative(Table):
    """Pictures without a detection: a share of all, and those in which something was just missed."""

    share: Fraction = Field(default=0.05, description="so many of them")
    misses: Fraction = Field(
        default=0.1, description="and all with a candidate at most so far below the threshold"
    )

    @model_validator(mode="after")
    def _check_chooses(self) -> Self:
        if not self.share and not self.misses:
            raise ValueError("chooses nothing (set share or misses above 0, or leave the table out)")
        return self


class Limits(Table):
    """The most that is captured in a time that reaches back from now."""

    minute: Count | None = Field(default=None, description="so many a minute")
    hour: Count | None = Field(default=None, description="so many an hour")
    day: Count | None = Field(default=None, description="so many a day")

    def named(self, setting: str, per: Per) -> Iterator[CaptureLimit]:
        """Yield them as `delivery.capture` takes them; `setting` is where they stand in hub.toml."""
        for period in ("minute", "hour", "day"):
            count = getattr(self, period)
            if count is not None:
                yield CaptureLimit(f"{setting}.{period}", count, period, per)


class Duplicates(Table):
    """When a picture is too much like an earlier one of its device to be captured."""

    bits: Annotated[int, Field(ge=0, le=128)] = Field(
        default=12, description="of the hash's 256, at most so many differ"
    )
    among: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=200, description="so many of the device's last captures are compared; 0: none"
    )


class CaptureSettings(Table):
    """Which events are kept: all, or with any strategy what one of them wants, within the limits."""

    confident: Confident | None = Field(default=None, description="a share of what the model is sure of")
    near_threshold: NearThreshold | None = Field(default=None, description="what it is not sure of")
    random: Random | None = Field(default=None, description="a share of all events")
    rare: Rare | None = Field(default=None, description="labels that are seldom seen")
    disagree: Disagree | None = Field(default=None, description="what another model saw otherwise")
    rejected: Rejected | None = Field(default=None, description="what is like what reviewers rejected")
    negative: Negative | None = Field(default=None, description="pictures without a detection")
    threshold: Fraction = Field(
        default=0.5, description="from which a detection counts, for events that do not tell their model's"
    )
    limits: Limits = Field(default=Limits(), description="the most that is captured")
    label_limits: Limits = Field(default=Limits(), description="the most of each label")
    device_limits: Limits = Field(default=Limits(), description="the most of each device")
    duplicates: Duplicates = Field(default=Duplicates(), description="which pictures are too much alike")

    @property
    def strategies(self) -> tuple[str, ...]:
        """The names of those that are set."""
        return tuple(name for name in STRATEGIES if getattr(self, name) is not None)

    @property
    def all_limits(self) -> tuple[CaptureLimit, ...]:
        """Every limit that is set."""
        return (
            *self.limits.named("limits", "all"),
            *self.label_limits.named("label_limits", "label"),
            *self.device_limits.named("device_limits", "device"),
        )

    def check_strategies(self) -> None:
        """Raise ValueError where something is set that without a strategy means nothing."""
        idle = sorted(self.model_fields_set & NEED_STRATEGY)
        if idle and not self.strategies:
            raise ValueError(f"{', '.join(idle)}: need a strategy ({', '.join(STRATEGIES)})")


STRATEGIES = ("rejected", "disagree", "near_threshold", "rare", "negative", "confident", "random")
"""What tells most of why an event is worth a look comes first."""
NEED_STRATEGY = frozenset({"threshold", "limits", "label_limits", "device_limits", "duplicates"})

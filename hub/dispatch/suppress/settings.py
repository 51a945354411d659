"""The `suppress` table of an instance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from hub.dispatch.match_schedule import Schedules
from hub.event import Plain

Rule = Literal["snooze", "quiet", "quota", "cooldown"]
RULES: tuple[Rule, ...] = ("snooze", "quiet", "quota", "cooldown")
Per = Literal["label", "camera", "device", "all"]
Quota = Annotated[int, Field(ge=1, le=100_000)]
Rules = Annotated[frozenset[Rule], PlainSerializer(sorted, return_type=list[str], when_used="json")]


class Suppress(Plain):
    """What an instance is spared. A snooze works without any of it."""

    cooldown_s: Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)] = Field(
        default=0.0, description="Nothing more of the same for so long"
    )
    per: Per = Field(default="camera", description="What the cooldown is of: each label of each camera, ...")
    max_per_hour: Quota | None = Field(default=None, description="In any 60 minutes")
    max_per_day: Quota | None = Field(default=None, description="In any 24 hours")
    quiet: Schedules | None = Field(default=None, description="When nothing is delivered")
    digest: Rules = Field(
        default=frozenset({"snooze", "quiet", "quota"}),
        description="Which rules' events are told later in one digest, if the plugin has the hook",
    )

    @property
    def counts(self) -> bool:
        """Whether it matters what was delivered before."""
        return self.cooldown_s > 0 or self.max_per_hour is not None or self.max_per_day is not None

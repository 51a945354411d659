"""One plugin instance as hub.toml describes it, and once it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hub.dispatch.match import Match
from hub.dispatch.suppress.settings import Suppress
from hub.event import Plain
from hub.images.settings import Images

Deliver = Callable[[Any, Any, Any], Awaitable[object]]
Tick = Callable[[Any, Any], Awaitable[object]]


class InstanceSettings(Plain):
    """The part of a `[plugins.<name>]` table that the hub reads; the rest is the plugin's."""

    use: str | None = Field(default=None, description="Entry point; absent: the instance's name")
    match: Match = Match()
    suppress: Suppress = Suppress()
    images: Images = Images()
    amendments: bool = Field(default=False, description="Also what is said of an event later")
    tick_s: Annotated[float, Field(ge=1, le=86_400)] = 10.0
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    window: Annotated[int, Field(ge=1, le=100_000)] = 1000
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=1000)] = 20
    max_age_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    ordered: bool = Field(default=False, description="One delivery at a time for each device, in order")
    start: Literal["now", "beginning"] = "now"
    isolation: Literal["none", "process"] = "none"
    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 1024

    @model_validator(mode="after")
    def _ask_for_amendments(self) -> InstanceSettings:
        """Make them part of the match, which is kept as a revision: `explain` then knows what held when."""
        if "amendments" in self.match.model_fields_set and self.match.amendments != self.amendments:
            raise ValueError("match.amendments: is set beside match, not in it: amendments = true")
        if self.amendments:
            asked = self.match.model_copy(update={"amendments": True})
            object.__setattr__(self, "match", asked)
        return self


@dataclass(frozen=True, slots=True)
class Instance:
    """A plugin that runs: `deliver(event, frame, delivery)` calls it with the arguments it declares.

    So do `digest(digest, frame, delivery)` and `tick(now, delivery)`, where it has them. `at_a_time` is how
    many deliveries may be handed to it at a time, where that is not `settings.concurrency`.
    """

    name: str
    settings: InstanceSettings
    deliver: Deliver
    digest: Deliver | None = None
    tick: Tick | None = None
    at_a_time: int = 0

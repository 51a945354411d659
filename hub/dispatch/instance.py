"""One plugin instance as hub.toml describes it, and once it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from hub.dispatch.match import Match
from hub.event import Plain

Deliver = Callable[[Any, Any, Any], Awaitable[object]]


class InstanceSettings(Plain):
    """The part of a `[plugins.<name>]` table that the hub reads; the rest is the plugin's."""

    use: str | None = Field(default=None, description="Entry point; absent: the instance's name")
    match: Match = Match()
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    window: Annotated[int, Field(ge=1, le=100_000)] = 1000
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=1000)] = 20
    max_age_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    start: Literal["now", "beginning"] = "now"
    isolation: Literal["none", "process"] = "none"
    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 1024


@dataclass(frozen=True, slots=True)
class Instance:
    """A plugin that runs: `deliver(event, frame, delivery)` calls it with the arguments it declares.

    `lanes` is how many deliveries may be handed to it at a time, where that is not `settings.concurrency`.
    """

    name: str
    settings: InstanceSettings
    deliver: Deliver
    lanes: int = 0

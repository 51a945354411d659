"""What can be asked of a hub. Each command is a row of `commands`: its action, and the rest as arguments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from hub.event import MAX_INTEGER, Name, Plain

Id = Annotated[int, Field(ge=1, le=MAX_INTEGER)]


class Pause(Plain):
    """Let an instance deliver nothing until it is resumed; its cursor waits."""

    action: Literal["pause"] = "pause"
    plugin: Name
    reason: Annotated[str, Field(min_length=1, max_length=500)] = "by `lenshub pause`"


class Resume(Plain):
    """Let a paused instance go on where it stands."""

    action: Literal["resume"] = "resume"
    plugin: Name


class Retry(Plain):
    """Try deliveries again at once: one event's, or all that are dead or retrying."""

    action: Literal["retry"] = "retry"
    plugin: Name
    event_id: Id | None = None
    outcomes: tuple[Literal["dead", "retrying"], ...] = ("dead", "retrying")


class Reload(Plain):
    """Apply a changed hub.toml by difference."""

    action: Literal["reload"] = "reload"


Command = Pause | Resume | Retry | Reload
CommandModel: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="action")])

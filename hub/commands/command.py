"""What can be asked of a hub. Each command is a row of `commands`: its action, and the rest as arguments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from hub.event import MAX_INTEGER, DeviceName, Name, Plain, UtcTime

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


class StartReplay(Plain):
    """Deliver a range of the log to one instance once more; see `hub.store.replays.Replay`."""

    action: Literal["replay"] = "replay"
    plugin: Name
    first: Id
    last: Id
    per_second: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 20.0
    again: bool = False
    any_age: bool = False
    since: UtcTime | None = None


class StopReplay(Plain):
    """End a replay before its end."""

    action: Literal["replay stop"] = "replay stop"
    number: Id


class QuarantineReplay(Plain):
    """Decode refused messages again, and store what can be read now."""

    action: Literal["quarantine replay"] = "quarantine replay"
    number: Id | None = None
    code: Name | None = None


class QuarantineDrop(Plain):
    """Throw refused messages away for good."""

    action: Literal["quarantine drop"] = "quarantine drop"
    number: Id | None = None
    code: Name | None = None


class Reload(Plain):
    """Apply a changed hub.toml by difference."""

    action: Literal["reload"] = "reload"


class ImportDataset(Plain):
    """Store the pictures of a training set as reviewed events; see `hub.dataset.arrivals`."""

    action: Literal["dataset import"] = "dataset import"
    root: Annotated[str, Field(min_length=1, max_length=4096)]
    device: DeviceName
    format: Name | None = None
    known: dict[str, str] | None = None
    repair: bool = False


Command = (
    Pause
    | Resume
    | Retry
    | StartReplay
    | StopReplay
    | QuarantineReplay
    | QuarantineDrop
    | Reload
    | ImportDataset
)
CommandModel: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="action")])

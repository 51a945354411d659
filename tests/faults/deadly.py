"""A Custom Labels model that kills the hub at a chosen moment, from within the call that makes the moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.demo.cloud.rekognition_fault import RefusedError
from hub.demo.cloud.rekognition_models import ProjectVersion, ProjectVersions

OURS = (
    "before the intent",
    "between intent and start",
    "started, not answered",
    "STARTING",
    "RUNNING, before the first picture",
    "RUNNING, draining",
    "before the stop",
    "stopped, not answered",
    "STOPPING",
    "STOPPED, not noted",
    "after the batch",
)
THEIRS = ("theirs, draining", "theirs a moment sooner, draining")
"""Somebody else started the model: before the batch, or between the hub's look and its start."""
MOMENTS = OURS + THEIRS
PICTURES_BEFORE = 3


@dataclass
class DeadlyVersion(ProjectVersion):
    """`kill` is called once, at the moment that is armed; `at` says at which."""

    kill: Callable[[], None] = lambda: None
    at: str = ""
    drained: int = 0
    stopped_before: int = 0
    seen: list[str] = field(default_factory=list)

    def arm(self, moment: str) -> None:
        """Choose the next moment."""
        self.at, self.drained, self.stopped_before = moment, 0, self.stops

    def _is(self, *moments: str) -> bool:
        """Kill the hub if its moment is one of these; return whether it was."""
        if self.at not in moments:
            return False
        self.seen.append(self.at)
        self.at = ""
        self.kill()
        return True

    def start(self, units: int) -> dict[str, Any]:
        if self.at == "theirs a moment sooner, draining":
            super().start(units)
            self.starts -= 1  # it was not the hub
            self.at = "theirs, draining"
            raise RefusedError("ResourceInUseException", "somebody was first")
        if self._is("between intent and start"):
            raise RefusedError("InternalServerError", "never came", 500)
        answer = super().start(units)
        self._is("started, not answered")
        return answer

    def stop(self) -> dict[str, Any]:
        if self._is("before the stop"):
            raise RefusedError("InternalServerError", "never came", 500)
        answer = super().stop()
        self._is("stopped, not answered")
        return answer

    def describe(self) -> dict[str, Any]:
        answer = super().describe()
        if self.stops > self.stopped_before:
            self._is({"STOPPED": "STOPPED, not noted"}.get(self.status, self.status))
        elif self.status in {"STOPPED", "RUNNING"}:
            before = {"STOPPED": "before the intent", "RUNNING": "RUNNING, before the first picture"}
            self._is(before[self.status])
        else:
            self._is(self.status)
        return answer

    def drain(self) -> None:
        """Be asked about a picture."""
        self.drained += 1
        if self.drained > PICTURES_BEFORE:
            self._is("RUNNING, draining", "theirs, draining")


class DeadlyVersions(ProjectVersions):
    """Models of which one is deadly."""

    def check_runs(self, arn: str) -> None:
        """Refuse to use a model that does not run; of one that does, count the picture."""
        super().check_runs(arn)
        version = self.find(arn)
        if isinstance(version, DeadlyVersion):
            version.drain()

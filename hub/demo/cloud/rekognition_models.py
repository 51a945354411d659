"""Custom Labels project versions that are started and stopped, in as many looks as a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hub.demo.cloud.rekognition_fault import RefusedError

Body = dict[str, Any]
STARTABLE = frozenset({"TRAINING_COMPLETED", "STOPPED", "FAILED"})


@dataclass
class ProjectVersion:
    """One model. A state that passes does so after it was described `looks` times.

    Args:
        start_ends_in: RUNNING, or FAILED.
    """

    arn: str
    status: str = "STOPPED"
    looks: int = 2
    start_ends_in: str = "RUNNING"
    units: int = 1
    starts: int = 0
    stops: int = 0
    history: list[str] = field(default_factory=list)
    _left: int = 0

    @property
    def name(self) -> str:
        """The version's name, as DescribeProjectVersions takes it."""
        return self.arn.split("/version/")[1].split("/")[0]

    def _enter(self, status: str) -> None:
        self.status, self._left = status, self.looks
        self.history.append(status)

    def look(self) -> None:
        """Let time pass: the model was looked at."""
        if self.status not in {"STARTING", "STOPPING"}:
            return
        self._left -= 1
        if self._left < 0:
            self._enter(self.start_ends_in if self.status == "STARTING" else "STOPPED")

    def start(self, units: int) -> Body:
        """Begin to start, as StartProjectVersion."""
        if self.status not in STARTABLE:
            raise RefusedError("ResourceInUseException", f"The project version is {self.status}")
        self.starts += 1
        self.units = units
        self._enter("STARTING")
        return {"Status": self.status}

    def stop(self) -> Body:
        """Begin to stop, as StopProjectVersion; only a running model can be stopped."""
        if self.status != "RUNNING":
            raise RefusedError("ResourceInUseException", f"The project version is {self.status}")
        self.stops += 1
        self._enter("STOPPING")
        return {"Status": self.status}

    def describe(self) -> Body:
        """Return the state, as DescribeProjectVersions does."""
        self.look()
        told = {"ProjectVersionArn": self.arn, "Status": self.status, "MinInferenceUnits": self.units}
        return told | {"StatusMessage": f"The model is {self.status.lower()}."}


@dataclass
class ProjectVersions:
    """The models by ARN."""

    versions: dict[str, ProjectVersion] = field(default_factory=dict)

    def add(self, version: ProjectVersion) -> ProjectVersion:
        """Keep one more model and return it."""
        self.versions[version.arn] = version
        return version

    def find(self, arn: str) -> ProjectVersion:
        """Return a model.

        Raises:
            RefusedError: There is none.
        """
        if arn not in self.versions:
            raise RefusedError("ResourceNotFoundException", f"Could not find {arn}")
        return self.versions[arn]

    def describe(self, request: Body) -> Body:
        """Answer DescribeProjectVersions."""
        project = request["ProjectArn"].rpartition("/")[0]
        wanted = request.get("VersionNames")
        found = [
            version.describe()
            for arn, version in self.versions.items()
            if arn.startswith(f"{project}/version/") and (wanted is None or version.name in wanted)
        ]
        if not found:
            raise RefusedError("ResourceNotFoundException", "Could not find the project")
        return {"ProjectVersionDescriptions": found}

    def check_runs(self, arn: str) -> None:
        """Refuse to use a model that does not run."""
        if self.find(arn).status != "RUNNING":
            raise RefusedError("ResourceNotReadyException", "The project version is not ready")

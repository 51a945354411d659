"""One camera and the model that looks at it: do both work?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.check.camera import PART, check_camera
from edge.check.finding import RUNNING, Finding
from edge.check.model import check_model
from edge.record import Finding as Seen
from edge.record import Recorder
from hub.event import NewEvent

if TYPE_CHECKING:
    from edge.config import AgentConfig, AgentTable
    from edge.model import Detector
    from edge.shot import Shot


@dataclass(frozen=True, eq=False, slots=True)
class Sight:
    """What was found of a camera: its model if that runs, and a frame if there is one."""

    findings: tuple[Finding, ...]
    detector: Detector | None
    shot: Shot | None

    def make_record(self, agent: AgentTable) -> tuple[bytes, bytes | None]:
        """Return a record as this agent makes them, of the camera's frame if there is one."""
        if self.detector is not None and self.shot is not None:
            return Recorder(agent.device, self.detector, agent.quality).write(Seen(self.shot, ()))
        event = NewEvent(source="edge", device=agent.device, captured_at=datetime.now(UTC))
        return event.model_dump_json(exclude_none=True, exclude_defaults=True).encode(), None


def look(config: AgentConfig, *, free: bool) -> Sight:
    """Try the one camera of a configuration, unless a running agent has it, and its model."""
    if free:
        camera, shot = check_camera(config.camera)
    else:
        camera, shot = Finding(part=PART, state="skipped", text=RUNNING), None
    models, detector = check_model(config.model, shot, config.sampling.candidates_from)
    return Sight(tuple(_name(finding, config.camera.name) for finding in (camera, *models)), detector, shot)


def _name(finding: Finding, camera: str | None) -> Finding:
    return finding.model_copy(update={"text": f"{camera}: {finding.text}"}) if camera else finding

"""The whole check: camera, model, spool and broker, one after the other, all problems at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.check.camera import check_camera
from edge.check.finding import Finding
from edge.check.login import Login
from edge.check.model import check_model
from edge.check.network import PART, check_network
from edge.check.spool import check_spool, claimed
from edge.config import find_broker
from edge.record import Finding as Sight
from edge.record import Recorder
from hub.errors import ConfigError
from hub.event import NewEvent
from hub.wire.tls import list_expired

if TYPE_CHECKING:
    from edge.config import AgentConfig
    from edge.link import Broker
    from edge.model import Detector
    from edge.shot import Shot

RUNNING = "an agent is running with this spool"


async def check_agent(config: AgentConfig) -> list[Finding]:
    """Return what there is to say of everything that an agent of this configuration needs.

    A running agent is left alone: it keeps its camera, and no second login pushes it off the broker.
    """
    with claimed(config.agent.spool) as free:
        found, detector, shot = await asyncio.to_thread(_check_sight, config, free=free)
        found += await asyncio.to_thread(check_spool, config.agent, running=not free)
        return found + await _check_broker(config, detector, shot, free=free)


def _check_sight(config: AgentConfig, *, free: bool) -> tuple[list[Finding], Detector | None, Shot | None]:
    if free:
        camera, shot = check_camera(config.camera)
    else:
        camera, shot = Finding(part="camera", state="skipped", text=RUNNING), None
    models, detector = check_model(config.model.path, shot)
    return [camera, *models], detector, shot


async def _check_broker(
    config: AgentConfig, detector: Detector | None, shot: Shot | None, *, free: bool
) -> list[Finding]:
    try:
        broker = find_broker(config.broker)
    except ConfigError as error:
        return [Finding(part=PART, state="wrong", text=problem) for problem in error.problems]
    found = [*_check_secrets(broker), await check_network(broker)]
    if found[-1].state == "wrong":
        return found
    if not free:
        return [
            *found,
            Finding(part="login", state="skipped", text=f"{RUNNING}; a second login would push it off"),
        ]
    record = _make_record(config, detector, shot)
    models = (detector.agent_model,) if detector else ()
    return found + await Login(broker, config.agent.device, models, record).check()


def _check_secrets(broker: Broker) -> list[Finding]:
    if broker.tls is not None:
        expired = list_expired(broker.tls, datetime.now(UTC))
        return [Finding(part=PART, state="wrong", text=text) for text in expired]
    if broker.password is not None and not _is_near(broker.host):
        text = "password and pictures go over the network unencrypted (mqtts:// encrypts them)"
        return [Finding(part=PART, state="note", text=text)]
    return []


def _is_near(host: str) -> bool:
    from edge.display.access import is_loopback

    return is_loopback(host)


def _make_record(
    config: AgentConfig, detector: Detector | None, shot: Shot | None
) -> tuple[bytes, bytes | None]:
    """Return a record as this agent makes them, of the camera's frame if there is one."""
    if detector is not None and shot is not None:
        recorder = Recorder(config.agent.device, detector, config.agent.quality)
        return recorder.write(Sight(shot, ()))
    event = NewEvent(source="edge", device=config.agent.device, captured_at=datetime.now(UTC))
    return event.model_dump_json(exclude_none=True, exclude_defaults=True).encode(), None

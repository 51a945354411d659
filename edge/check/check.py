"""The whole check: cameras, models, spool, display and broker, one after the other, all problems at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.check.display import check_display
from edge.check.finding import RUNNING, Finding
from edge.check.login import Login
from edge.check.network import PART, check_network
from edge.check.sight import Sight, look
from edge.check.spool import check_spool, claimed
from edge.config import find_broker
from hub.errors import ConfigError
from hub.wire.tls import list_expired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import AgentConfig
    from edge.link import Broker


async def check_agent(config: AgentConfig) -> list[Finding]:
    """Return what there is to say of everything that an agent of this configuration needs.

    A running agent is left alone: it keeps its cameras and its display's port, and no second login pushes it
    off the broker.
    """
    with claimed(config.agent.spool) as free:
        sights = [await asyncio.to_thread(look, part, free=free) for part in config.split()]
        found = [finding for sight in sights for finding in sight.findings]
        found += await asyncio.to_thread(check_spool, config.agent, running=not free)
        found += check_display(config.display, free=free)
        return found + await _check_broker(config, sights, free=free)


async def _check_broker(config: AgentConfig, sights: Sequence[Sight], *, free: bool) -> list[Finding]:
    try:
        broker = find_broker(config.broker)
    except ConfigError as error:
        return [Finding(part=PART, state="wrong", text=problem) for problem in error.problems]
    found = [*_check_secrets(broker), await check_network(broker)]
    if found[-1].state == "wrong":
        return found
    if not free:
        text = f"{RUNNING}; a second login would push it off"
        return [*found, Finding(part="login", state="skipped", text=text)]
    models = tuple(dict.fromkeys(sight.detector.agent_model for sight in sights if sight.detector))
    records = [sight.make_record(config.agent) for sight in sights]
    largest = max(records, key=lambda record: len(record[1] or b""))
    return found + await Login(broker, config.agent.device, models, largest).check()


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

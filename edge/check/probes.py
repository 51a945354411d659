"""What a check sends: one message to each topic that an agent writes, of which nothing is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from edge.link import AGENT
from hub.wire.protocol import (
    CHECKED,
    AgentModel,
    AgentStatus,
    Gap,
    Hello,
    Position,
    event_topic,
    upward,
)

EPOCH = "0" * 16
EARLY = 2  # the hub waits for number 1, which never comes


class Probe(NamedTuple):
    """A message, and whether it asks the hub for an answer."""

    topic: str
    payload: bytes
    retain: bool = False
    asks: bool = False


def make_probes(device: str, models: tuple[AgentModel, ...], record: bytes, nonce: str) -> list[Probe]:
    """Return the messages; the last one is the question to the hub, which answers with the nonce."""
    now = datetime.now(UTC)
    status = AgentStatus(state="offline", at=now, text=CHECKED)
    gap = Gap(epoch=EPOCH, first=EARLY, last=EARLY, reason="check")
    hello = Hello(epoch=EPOCH, first=1, next=EARLY + 1, now=now, agent=AGENT, nonce=nonce, models=models)
    return [
        Probe(upward(device, "status"), status.model_dump_json().encode(), retain=True),
        Probe(upward(device, "gap"), gap.model_dump_json().encode()),
        Probe(event_topic(Position(device, EPOCH, EARLY)), record),
        Probe(upward(device, "hello"), hello.model_dump_json().encode(), asks=True),
    ]

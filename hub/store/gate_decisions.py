"""What gates decided of pictures, and what the paid calls then found: what reports and audits are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from hub.store.schema import detections, events, gate_decisions

CHUNK = 500
_ROWS = (
    gate_decisions.c.plugin,
    gate_decisions.c.gate,
    gate_decisions.c.image_key,
    gate_decisions.c.score,
    gate_decisions.c.threshold,
    gate_decisions.c.passed,
    gate_decisions.c.audit,
    gate_decisions.c.decided_at,
)
_OWN = select(*_ROWS).where(
    gate_decisions.c.plugin == bindparam("of_plugin"), gate_decisions.c.image_key == bindparam("of_key")
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a gate decided of one instance's picture; `score` is None where it had none."""

    plugin: str
    gate: str
    image_key: str
    score: float | None
    threshold: float
    passed: bool
    audit: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A decision, and what was then detected.

    Attributes:
        operations: What was asked of the picture, if it has an event that says so.
        detections: (label, confidence, attributes) of the operation asked for; empty without an event.
    """

    decision: Decision
    operations: tuple[str, ...]
    detections: tuple[tuple[str, float, dict[str, Any]], ...]


def note_decision(connection: Connection, decision: Decision) -> None:
    """Keep a decision, in place of an earlier one of the same instance about the same picture."""
    own = (gate_decisions.c.plugin == decision.plugin, gate_decisions.c.image_key == decision.image_key)
    connection.execute(delete(gate_decisions).where(*own))
    row = {name: getattr(decision, name) for name in Decision.__slots__}
    connection.execute(insert(gate_decisions), row)


def read_decision(connection: Connection, plugin: str, key: str) -> Decision | None:
    """Return what was decided of a picture before."""
    row = connection.execute(_OWN, {"of_plugin": plugin, "of_key": key}).one_or_none()
    return Decision(*row) if row else None


def list_decisions(connection: Connection, key: str) -> list[Decision]:
    """Return what gates decided of a picture, whose ever it is."""
    rows = connection.execute(select(*_ROWS).where(gate_decisions.c.image_key == key))
    return [Decision(*row) for row in rows]


def list_found(
    connection: Connection, gate: str, operation: str, since: datetime | None = None
) -> Iterator[Found]:
    """Yield a gate's decisions, oldest first, each with what `operation` then detected."""
    statement = (
        select(*_ROWS, events.c.id.label("event_id"), events.c.attributes)
        .join(events, events.c.key == gate_decisions.c.image_key, isouter=True)
        .where(gate_decisions.c.gate == gate)
        .order_by(gate_decisions.c.id)
    )
    if since is not None:
        statement = statement.where(gate_decisions.c.decided_at >= since)
    for rows in connection.execute(statement).partitions(CHUNK):
        ids = [row.event_id for row in rows if row.event_id is not None]
        said = _detections(connection, ids, operation)
        for row in rows:
            asked = (row.attributes or {}).get("operations", ())
            yield Found(Decision(*row[: len(_ROWS)]), tuple(asked), tuple(said.get(row.event_id, ())))


def _detections(
    connection: Connection, ids: list[int], operation: str
) -> dict[int, list[tuple[str, float, dict[str, Any]]]]:
    found: dict[int, list[tuple[str, float, dict[str, Any]]]] = {}
    rows = connection.execute(
        select(detections.c.event_id, detections.c.label, detections.c.confidence, detections.c.attributes)
        .where(detections.c.event_id.in_(ids))
        .order_by(detections.c.event_id, detections.c.position)
    )
    for row in rows:
        if row.attributes.get("operation") == operation:
            found.setdefault(row.event_id, []).append((row.label, row.confidence, row.attributes))
    return found

"""Reads from the store what a gate decided and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from hub.gate.measures import Judged
from hub.gate.rule import has_text
from hub.store.database import Database
from hub.store.gate_decisions import Found, list_found
from hub.store.log import EventLog

OPERATION = "text"


@dataclass(frozen=True, slots=True)
class History:
    """Of one gate; `audited` were refused and sent all the same."""

    decisions: list[Judged]
    audited: int


async def read_history(engine: Database, gate: str, since: datetime | None = None) -> History:
    """Return a gate's decisions, with the truth by the published rule where DetectText was asked."""
    return await EventLog(engine).ask(partial(_read, gate=gate, since=since))


def _read(connection: object, gate: str, since: datetime | None) -> History:
    decisions, audited = [], 0
    for found in list_found(connection, gate, OPERATION, since):  # type: ignore[arg-type]
        decisions.append(Judged(found.decision.score, found.decision.passed, _find_truth(found)))
        audited += found.decision.audit
    return History(decisions, audited)


def _find_truth(found: Found) -> bool | None:
    return has_text(found.detections) if OPERATION in found.operations else None

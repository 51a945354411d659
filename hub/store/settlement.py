"""What a plugin's dispatch asks the writer to make durable: a cursor and the rows worth remembering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy import Connection

Outcome = Literal["done", "skipped", "retrying", "running", "parked", "dead", "unknown"]
ASIDE: tuple[Outcome, ...] = ("retrying", "running", "parked")
"""Outcomes that are not the last word: the cursor has passed them, the delivery goes on."""
LIVE_RUN = ""
"""The run id of live dispatch, as opposed to a replay's."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """The state of one delivery that is worth a row."""

    event_id: int
    outcome: Outcome
    attempt: int
    updated_at: datetime
    reason: str = ""
    note: str = ""
    due_at: datetime | None = None


class Memory(Protocol):
    """What an instance's rules want remembered together with a settlement."""

    def write(self, connection: Connection) -> None:
        """Write it inside the settlement's transaction; may be called again after a rollback."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an instance stood when the hub last ran: cursor, counts, and the rows still aside."""

    position: int
    done: int = 0
    filtered: int = 0
    aside: tuple[DeliveryRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """A cursor's advance, its counts of deliveries without a row, and rows; changed in one transaction."""

    plugin: str
    position: int
    done: int
    filtered: int
    rows: tuple[DeliveryRow, ...]
    on_committed: Callable[[], None]
    partition: int = 0
    run_id: str = LIVE_RUN
    memory: Memory | None = None


class Settling(Protocol):
    """Something that has outcomes to settle."""

    def take_settlement(self) -> Settlement | None:
        """Return what has come about since last asked, or None."""
        ...

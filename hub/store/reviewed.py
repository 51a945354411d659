"""What reviewers and capturing plugins did with one event, for `lenshub explain`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from hub.store.reviews import list_words
from hub.store.schema import captures


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict, and what became of it."""

    reviewer: str
    verdict: str
    labels: tuple[str, ...] | None
    note: str
    made_at: datetime
    undone: bool
    applied: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """Why an instance captured it, and how much it teaches."""

    plugin: str
    reasons: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Reviewing:
    """What was done with one event, each in order."""

    chosen: tuple[Chosen, ...]
    said: tuple[Said, ...]


def read_reviewing(connection: Connection, first: int) -> Reviewing:
    """Return why an event, by the id of its first row, was captured, and what reviewers said of it."""
    rows = connection.execute(select(captures).where(captures.c.event_id == first).order_by(captures.c.id))
    said = [
        Said(
            word.reviewer,
            word.verdict,
            None if word.detections is None else tuple(found.label for found in word.detections),
            word.note,
            word.made_at,
            word.undone_at is not None,
            word.applied_at is not None,
        )
        for word in list_words(connection, first)
    ]
    chosen = tuple(Chosen(row.plugin, tuple(row.reasons), row.score) for row in rows)
    return Reviewing(chosen, tuple(said))

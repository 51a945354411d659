"""What waits for a reviewer: captured events, those that teach most first, or any event with a picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal_column, select, true

from hub.store.reviews import SKIPPED
from hub.store.schema import captures, detections, events, leases, reviews
from hub.verdicts import JUDGED, REVIEW

_SPREAD = 2654435761  # Knuth's, 2**32 by the golden ratio: ids that follow each other are spread evenly
_BITS, _ALL = 0x7FFFFFFF, 2**32
MOST_COUNTED = 10_000
_LOOKED_AT = 200_000


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which events a reviewer wants; None means any.

    Attributes:
        model: Its name, or name and version with a space between.
        reason: A strategy of those that chose the event.
        since: Of the time of the picture, as `until`, which itself is left out.
        every: Also events with a picture that nobody captured.
    """

    label: str | None = None
    device: str | None = None
    min_confidence: float = 0.0
    max_confidence: float = 1.0
    model: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for work, when, and which share of all events two reviewers are to see."""

    reviewer: str
    now: datetime
    second_share: float


def is_for_two(event_id: int, share: float) -> bool:
    """Whether an event is one of those that two reviewers see; the same for everybody and ever."""
    return (event_id & _BITS) * _SPREAD % _ALL < share * _ALL


def _is_for_two(event_id: ColumnElement[int], share: float) -> ColumnElement[bool]:
    spread = event_id.op("&")(_BITS).op("*")(_SPREAD)
    return spread.op("&")(_ALL - 1) < share * _ALL


def find_waiting(connection: Connection, wanted: ReviewFilter, asker: Asker, limit: int) -> list[int]:
    """Return events that wait for this reviewer, in the order in which they are to be seen."""
    captured = _select_captured(wanted, asker).order_by(captures.c.score.desc(), captures.c.id).limit(limit)
    found = [row[0] for row in connection.execute(captured)]
    if wanted.every and wanted.reason is None and len(found) < limit:
        newest = events.c.id if wanted.device is None else events.c.captured_at  # as an index has them
        others = _select_others(wanted, asker).order_by(newest.desc()).limit(limit - len(found))
        found += [row[0] for row in connection.execute(others)]
    return found


def count_waiting(connection: Connection, wanted: ReviewFilter, asker: Asker) -> int:
    """Count what waits for this reviewer."""
    count = select(func.count()).select_from(_select_captured(wanted, asker).subquery())
    found = int(connection.execute(count).scalar_one())
    if wanted.every and wanted.reason is None:
        others = select(func.count()).select_from(_select_others(wanted, asker).subquery())
        found += int(connection.execute(others).scalar_one())
    return found


def count_others(connection: Connection, wanted: ReviewFilter, asker: Asker) -> int:
    """Count pictures that nobody captured and that wait: MOST_COUNTED + 1 at most, of the newest rows."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    others = _select_others(wanted, asker).where(events.c.id > newest - _LOOKED_AT).limit(MOST_COUNTED + 1)
    return int(connection.execute(select(func.count()).select_from(others.subquery())).scalar_one())


def _select_captured(wanted: ReviewFilter, asker: Asker) -> Select[Any]:
    other = captures.alias("other")
    better = select(other.c.id).where(
        other.c.event_id == captures.c.event_id,
        other.c.closed_at.is_(None),
        (other.c.score > captures.c.score)
        | ((other.c.score == captures.c.score) & (other.c.id < captures.c.id)),
    )
    found = select(captures.c.event_id).join(events, events.c.id == captures.c.event_id)
    found = found.where(captures.c.closed_at.is_(None))
    if wanted.device is not None:
        found = found.where(captures.c.device == wanted.device)
    if wanted.reason is not None:
        reasons = func.json_each(captures.c.reasons).table_valued("value")
        found = found.where(select(reasons.c.value).where(reasons.c.value == wanted.reason).exists())
    # What costs most is asked last: SQLite keeps the order.
    return found.where(*_conditions(wanted), *_find_free(captures.c.event_id, asker), ~better.exists())


def _select_others(wanted: ReviewFilter, asker: Asker) -> Select[Any]:
    captured = select(captures.c.id).where(captures.c.event_id == events.c.id)
    word = events.c.attributes[REVIEW].as_string()
    found = select(events.c.id).where(events.c.amends.is_(None))
    if wanted.device is not None:
        found = found.where(events.c.device == wanted.device)
    return found.where(
        *_conditions(wanted),
        *_find_free(events.c.id, asker),
        ~captured.exists(),
        word.is_(None) | word.not_in(JUDGED),
    )


def _find_free(event_id: ColumnElement[int], asker: Asker) -> list[ColumnElement[bool]]:
    """Return what holds of events that nobody else has, and that this reviewer's word is wanted for."""
    stands = (reviews.c.event_id == event_id, reviews.c.undone_at.is_(None))
    own = select(reviews.c.id).where(*stands, reviews.c.reviewer == asker.reviewer)
    held = select(leases.c.event_id).where(
        leases.c.event_id == event_id, leases.c.reviewer != asker.reviewer, leases.c.until > asker.now
    )
    return [~held.exists(), ~own.exists(), _is_wanting(event_id, asker.second_share)]


def _is_wanting(event_id: ColumnElement[int], second_share: float) -> ColumnElement[bool]:
    """Return whether fewer reviewers than are to see an event said something of it."""
    stands = (reviews.c.event_id == event_id, reviews.c.undone_at.is_(None))
    said = select(func.count(reviews.c.reviewer.distinct())).where(*stands, reviews.c.verdict != SKIPPED)
    return said.scalar_subquery() < case((_is_for_two(event_id, second_share), 2), else_=1)


def _conditions(wanted: ReviewFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [events.c.frame_digest.is_not(None)]
    if wanted.model is not None:
        versioned = events.c.model_name + " " + events.c.model_version
        found.append((events.c.model_name == wanted.model) | (versioned == wanted.model))
    if wanted.since is not None:
        found.append(events.c.captured_at >= wanted.since)
    if wanted.until is not None:
        found.append(events.c.captured_at < wanted.until)
    if wanted.label is not None or wanted.min_confidence > 0 or wanted.max_confidence < 1:
        found.append(_has_detection(wanted))
    return found


def _has_detection(wanted: ReviewFilter) -> ColumnElement[bool]:
    seen: Select[Any] = select(literal_column("1")).where(
        detections.c.event_id == events.c.id,
        detections.c.confidence >= wanted.min_confidence,
        detections.c.confidence <= wanted.max_confidence,
    )
    if wanted.label is not None:
        seen = seen.where(detections.c.label == wanted.label)
    return seen.exists()


def count_by_reason(connection: Connection, second_share: float) -> list[tuple[str, int, int]]:
    """Return for each reason how many events were captured for it that wait for a reviewer, and that do not.

    An event that was captured for several reasons counts for each.
    """
    reasons = func.json_each(captures.c.reasons).table_valued("value")
    is_open = captures.c.closed_at.is_(None) & _is_wanting(captures.c.event_id, second_share)
    waits = func.count(case((is_open, captures.c.event_id)).distinct())
    done = func.count(case((~is_open, captures.c.event_id)).distinct())
    wanted = select(reasons.c.value, waits, done).select_from(captures.join(reasons, true()))
    return [
        (row[0], row[1], row[2])
        for row in connection.execute(wanted.group_by(reasons.c.value).order_by(reasons.c.value))
    ]

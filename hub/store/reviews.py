"""What reviewers said: one row a verdict, and what is still to become an amendment of its event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, insert, select, update

from hub.event import Detection, Event, NewEvent
from hub.store.amendments import read_before, read_rows
from hub.store.schema import captures, events, reviews

SKIPPED = "skipped"
_PARAMETERS = 500
_DETECTIONS: TypeAdapter[tuple[Detection, ...]] = TypeAdapter(tuple[Detection, ...])


@dataclass(frozen=True, slots=True)
class Word:
    """What one reviewer said of an event.

    `detections` are the event's from then on; None: what was found is left as it is.
    """

    id: int
    event_id: int
    reviewer: str
    verdict: str
    detections: tuple[Detection, ...] | None
    note: str
    seconds: float | None
    made_at: datetime
    undone_at: datetime | None = None
    applied_at: datetime | None = None
    amendment_id: int | None = None


def _read_word(row: RowMapping) -> Word:
    values = dict(row)
    found = values["detections"]
    return Word(**values | {"detections": None if found is None else _DETECTIONS.validate_python(found)})


def _list_words(connection: Connection, wanted: Select[Any]) -> list[Word]:
    return [_read_word(row) for row in connection.execute(wanted).mappings()]


def add_word(connection: Connection, word: Word) -> int:
    """Add a verdict and return its number; that of `word` says nothing."""
    found = word.detections
    row = {
        "event_id": word.event_id,
        "reviewer": word.reviewer,
        "verdict": word.verdict,
        "detections": None if found is None else _DETECTIONS.dump_python(found, mode="json"),
        "note": word.note,
        "seconds": word.seconds,
        "made_at": word.made_at,
    }
    return int(connection.execute(insert(reviews).values(row).returning(reviews.c.id)).scalar_one())


def list_words(connection: Connection, event_id: int) -> list[Word]:
    """Return all that was said of an event, also what was taken back, in order."""
    return _list_words(
        connection, select(reviews).where(reviews.c.event_id == event_id).order_by(reviews.c.id)
    )


def list_last_words(connection: Connection, limit: int, *only: ColumnElement[bool]) -> list[Word]:
    """Return what was said last, newest first, without what was taken back."""
    wanted = select(reviews).where(reviews.c.undone_at.is_(None), *only)
    return _list_words(connection, wanted.order_by(reviews.c.id.desc()).limit(limit))


def list_words_of(connection: Connection, event_ids: Sequence[int]) -> dict[int, list[Word]]:
    """Return what was said of events, as `list_words` does."""
    found: dict[int, list[Word]] = defaultdict(list)
    for start in range(0, len(event_ids), _PARAMETERS):
        part = event_ids[start : start + _PARAMETERS]
        wanted = select(reviews).where(reviews.c.event_id.in_(part)).order_by(reviews.c.id)
        for word in _list_words(connection, wanted):
            found[word.event_id].append(word)
    return found


def find_last_word(connection: Connection, reviewer: str) -> Word | None:
    """Return what a reviewer said last and has not taken back."""
    wanted = (
        select(reviews)
        .where(reviews.c.reviewer == reviewer, reviews.c.undone_at.is_(None))
        .order_by(reviews.c.id.desc())  # a clock may be set back
        .limit(1)
    )
    return next(iter(_list_words(connection, wanted)), None)


def take_back(connection: Connection, word: Word, now: datetime) -> None:
    """Undo a verdict; what it changed is then to be changed back."""
    changed = {"undone_at": now, "applied_at": None}
    connection.execute(update(reviews).where(reviews.c.id == word.id).values(changed))


def close_captures(connection: Connection, event_id: int, closed_at: datetime | None) -> None:
    """Say that no reviewer is wanted for an event any more, or (None) that one is."""
    own = captures.c.event_id == event_id
    connection.execute(update(captures).where(own).values(closed_at=closed_at))


def list_pending(connection: Connection, limit: int) -> list[int]:
    """Return the events whose words the log does not have yet, in order of the words."""
    wanted = (
        select(reviews.c.event_id)
        .where(reviews.c.applied_at.is_(None))
        .group_by(reviews.c.event_id)
        .order_by(func.min(reviews.c.id))
        .limit(limit)
    )
    return list(connection.execute(wanted).scalars())


def mark_applied(connection: Connection, words: Iterable[Word], now: datetime) -> None:
    """Say that the log has these words, as they were read; one taken back meanwhile still waits."""
    for word in words:
        if word.applied_at is not None:
            continue
        taken_back = reviews.c.undone_at.is_not(None) if word.undone_at else reviews.c.undone_at.is_(None)
        newest = select(func.max(events.c.id)).where(events.c.amends == word.event_id).scalar_subquery()
        own = (reviews.c.id == word.id, taken_back)
        connection.execute(update(reviews).where(*own).values(applied_at=now, amendment_id=newest))


def find_first(connection: Connection, event_id: int) -> int | None:
    """Return the id of the first row of the event that a row is of, or None where there is no such row."""
    wanted = select(func.coalesce(events.c.amends, events.c.id)).where(events.c.id == event_id)
    found: int | None = connection.execute(wanted).scalar_one_or_none()
    return found


def read_unjudged(connection: Connection, first: int) -> NewEvent:
    """Return an event as it stood when no person's word stood on it."""
    return read_before(connection, first)


def read_event(connection: Connection, first: int) -> Event:
    """Return an event for a reviewer who must not know what others said: as it stood without their words."""
    (row,) = read_rows(connection, [first])
    before = read_before(connection, first)
    said = ("detections", "frame", "model", "attributes")
    return row.model_copy(update={name: getattr(before, name) for name in said})


def list_reasons(connection: Connection, event_id: int) -> tuple[str, ...]:
    """Return why an event was captured: names of strategies, the one that chose it first, each once."""
    wanted = select(captures.c.reasons).where(captures.c.event_id == event_id).order_by(captures.c.id)
    return tuple(dict.fromkeys(name for row in connection.execute(wanted).scalars() for name in row))


def count_today(connection: Connection, reviewer: str, since: datetime) -> int:
    """Count the verdicts of a reviewer since then, without skips and what was taken back."""
    wanted = select(func.count()).where(
        reviews.c.reviewer == reviewer,
        reviews.c.made_at >= since,
        reviews.c.undone_at.is_(None),
        reviews.c.verdict != SKIPPED,
    )
    return int(connection.execute(wanted).scalar_one())


def list_twice_reviewed(connection: Connection) -> list[int]:
    """Return the events of which more than one reviewer's word stands."""
    wanted = (
        select(reviews.c.event_id)
        .where(reviews.c.undone_at.is_(None), reviews.c.verdict != SKIPPED)
        .group_by(reviews.c.event_id)
        .having(func.min(reviews.c.reviewer) != func.max(reviews.c.reviewer))
        .order_by(reviews.c.event_id)
    )
    return list(connection.execute(wanted).scalars())


def count_by_reviewer(connection: Connection) -> Iterator[tuple[str, str, int, float | None, datetime]]:
    """Yield reviewer, verdict, count, mean seconds, and when the last was made."""
    wanted = (
        select(
            reviews.c.reviewer,
            reviews.c.verdict,
            func.count(),
            func.avg(reviews.c.seconds),
            func.max(reviews.c.made_at),
        )
        .where(reviews.c.undone_at.is_(None))
        .group_by(reviews.c.reviewer, reviews.c.verdict)
        .order_by(reviews.c.reviewer, reviews.c.verdict)
    )
    for row in connection.execute(wanted):
        yield row[0], row[1], row[2], row[3], row[4]

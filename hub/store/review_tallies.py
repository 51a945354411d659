"""Counts, in the database, what was captured for review and what reviewers said of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, literal_column, select, union

from hub.store.schema import captures, detections, events, reviews
from hub.store.tallies import Wanted
from hub.store.wall_clock import Marks, begin_of, hour_of, part_of
from hub.verdicts import ACCEPTED, CORRECTED, DISPUTED, JUDGED, OPEN, REJECTED, REVIEW

STATES = (OPEN, DISPUTED, ACCEPTED, CORRECTED, REJECTED)
"""What stands of an event, as it is shown: what waits for a person first."""
_STANDS = reviews.c.undone_at.is_(None)


@dataclass(frozen=True)
class Reviewed:
    """Counts of events.

    Attributes:
        captured: By (first reason, device, beginning of a part of the hour in which it was taken); one that
            two instances captured is there twice.
        states: By (device, what stands: the event's `review`), each event once. It is `open` without a
            verdict, after a skip, and until a verdict is an amendment.
        verdicts: By (reviewer, verdict, beginning of a part of the hour in which it was given), skips too.
    """

    captured: dict[tuple[str, str, datetime], int] = field(default_factory=dict)
    states: dict[tuple[str, str], int] = field(default_factory=dict)
    verdicts: dict[tuple[str, str, datetime], int] = field(default_factory=dict)


def read_reviewed(connection: Connection, wanted: Wanted, marks: Marks) -> Reviewed:
    """Count captures and reviews of the events that are wanted."""
    own = _own_events(wanted)
    captured = captures.join(events, events.c.id == captures.c.event_id)
    reason = func.coalesce(captures.c.reasons[0].as_string(), "")
    given = reviews.join(events, events.c.id == reviews.c.event_id)
    return Reviewed(
        _by_hour(connection, captured, (reason, events.c.device), events.c.captured_at, own, marks),
        _read_states(connection, own),
        _by_hour(
            connection,
            given,
            (reviews.c.reviewer, reviews.c.verdict),
            reviews.c.made_at,
            [_STANDS, *own],
            marks,
        ),
    )


def _own_events(wanted: Wanted) -> list[ColumnElement[bool]]:
    own = wanted.of_events()
    if wanted.narrows_detections:
        seen = select(detections.c.event_id).where(detections.c.event_id == events.c.id)
        own.append(seen.where(*wanted.of_detections()).exists())
    return own


def _by_hour(
    connection: Connection,
    rows: FromClause,
    names: tuple[ColumnElement[str], ColumnElement[str]],
    moment: ColumnElement[Any],
    wanted: list[ColumnElement[bool]],
    marks: Marks,
) -> dict[tuple[str, str, datetime], int]:
    ends = select(func.min(moment), func.max(moment)).select_from(rows).where(*wanted)
    first, last = connection.execute(ends).one()
    if first is None:
        return {}
    cuts = marks(first, last)
    counts = select(*names, hour_of(moment), part_of(moment, cuts), func.count()).select_from(rows)
    grouped = counts.where(*wanted).group_by(*(literal_column(str(n)) for n in (1, 2, 3, 4)))
    found: defaultdict[tuple[str, str, datetime], int] = defaultdict(int)
    for one, other, hour, part, count in connection.execute(grouped):
        found[one, other, begin_of(hour, part, cuts)] += count
    return dict(found)


def _read_states(connection: Connection, wanted: list[ColumnElement[bool]]) -> dict[tuple[str, str], int]:
    given = select(reviews.c.event_id).where(_STANDS)
    subject = union(select(captures.c.event_id), given).subquery()
    applied = select(reviews.c.event_id, func.max(reviews.c.amendment_id).label("newest"))
    last = applied.group_by(reviews.c.event_id).subquery()
    view = events.alias("view")
    rows = (
        subject.join(events, events.c.id == subject.c.event_id)
        .join(last, last.c.event_id == subject.c.event_id, isouter=True)
        .join(view, view.c.id == last.c.newest, isouter=True)
    )
    word = view.c.attributes[REVIEW].as_string()
    state = case((word.in_(JUDGED), word), else_=OPEN)
    counts = select(events.c.device, state, func.count()).select_from(rows).where(*wanted)
    grouped = counts.group_by(literal_column("1"), literal_column("2"))
    return {(device, said): count for device, said, count in connection.execute(grouped)}

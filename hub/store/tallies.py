"""Counts detections for reports, in the database: by device and stretch of time, and by label and confidence.

What is dear in SQLite is to sort a row for each detection. One statement avoids it: it walks through the
index of `events` a stretch after the other. The other sorts labels only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column as SqlColumn
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from hub.store.schema import UtcDateTime, detections, events
from hub.store.wall_clock import hour_of

BINS = 20
"""Confidences are counted in steps of 0.05."""

SHARES, THREADS = 4, 2
"""SQLite keeps a core busy, whatever Python's other threads do; who is done early takes another share."""
Share = tuple[int, int]
"""Ids of events: those above the first, up to the second."""

_stretches = Table(
    "report_stretches",
    MetaData(),
    SqlColumn("number", Integer, primary_key=True),
    SqlColumn("device", Text, nullable=False),
    SqlColumn("since", UtcDateTime, nullable=False),
    SqlColumn("until", UtcDateTime, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is about; None means any. `since` belongs to it, `until` does not."""

    device: str | None = None
    label: str | None = None
    source: str | None = None
    min_confidence: float = 0.0
    since: datetime | None = None
    until: datetime | None = None

    @property
    def narrows_detections(self) -> bool:
        """Whether it leaves out detections of an event, and events without any."""
        return self.label is not None or self.min_confidence > 0

    @property
    def narrows_events(self) -> bool:
        """Whether it leaves out events by what they are themselves."""
        return any(value is not None for value in (self.device, self.source, self.since, self.until))

    @property
    def is_about_cameras(self) -> bool:
        """Whether it asks for devices or detections, for which no cost is known."""
        return self.device is not None or self.narrows_detections

    def of_events(self) -> list[ColumnElement[bool]]:
        """Return the WHERE clauses on `events`."""
        wanted = self.of_index()
        return wanted if self.source is None else [*wanted, events.c.source == self.source]

    def of_index(self) -> list[ColumnElement[bool]]:
        """Return those of them that the index on device and time answers."""
        found: list[ColumnElement[bool]] = []
        if self.device is not None:
            found.append(events.c.device == self.device)
        if self.since is not None:
            found.append(events.c.captured_at >= self.since)
        if self.until is not None:
            found.append(events.c.captured_at < self.until)
        return found

    def of_detections(self) -> list[ColumnElement[bool]]:
        """Return the WHERE clauses on `detections`."""
        found: list[ColumnElement[bool]] = []
        if self.label is not None:
            found.append(detections.c.label == self.label)
        if self.min_confidence > 0:
            found.append(detections.c.confidence >= self.min_confidence)
        return found


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over some events: `kept` and `dropped` count their frames."""

    events: int = 0
    detections: int = 0
    confidence_sum: float = 0.0
    kept: int = 0
    dropped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.events + other.events,
            self.detections + other.detections,
            self.confidence_sum + other.confidence_sum,
            self.kept + other.kept,
            self.dropped + other.dropped,
        )

    def without_events(self) -> Tally:
        """Return what is about detections alone."""
        return Tally(detections=self.detections, confidence_sum=self.confidence_sum)

    @property
    def mean_confidence(self) -> float | None:
        """The detections' mean confidence, or None when there are none."""
        return self.confidence_sum / self.detections if self.detections else None


Stretch = tuple[str, datetime, datetime]
"""A device and a stretch of time, its end left out."""
Begin = tuple[str, datetime]
"""A device, and when a stretch of time begins that lies within one hour on the clock."""
Cut = Callable[[Iterable[datetime]], dict[datetime, list[tuple[datetime, datetime]]]]
"""Cuts hours, given by their beginnings in UTC, into stretches."""


@dataclass(frozen=True)
class Mix:
    """Labels with how often and how surely they were seen, and detections by step of confidence."""

    labels: dict[str, Tally] = field(default_factory=dict)
    steps: Counter[int] = field(default_factory=Counter)


def tally(engine: Engine, wanted: Wanted, cut: Cut) -> tuple[dict[Begin, Tally], Mix]:
    """Count what is stored now, by reading all of it; each event once, whatever amends it.

    The log only grows, so that connections that look no further than the same id see the same.
    """
    with engine.connect() as connection:
        newest = connection.execute(select(func.max(events.c.id))).scalar() or 0
        stretches = _list_stretches(connection, wanted, cut)
    shares = [(newest * at // SHARES, newest * (at + 1) // SHARES) for at in range(SHARES)]
    length = -(-len(stretches) // SHARES) or 1
    parts = [stretches[at : at + length] for at in range(0, len(stretches), length)]
    with ThreadPoolExecutor(THREADS) as threads:
        mixes = [threads.submit(_count_mix, engine, wanted, share) for share in shares]
        counts = [threads.submit(_count_stretches, engine, wanted, part, newest) for part in parts]
        found = {(name, at): own for one in counts for (name, at, _), own in one.result().items()}
        return found, _mixed(row for one in mixes for row in one.result())


def _count_stretches(
    engine: Engine, wanted: Wanted, stretches: Sequence[Stretch], newest: int
) -> dict[Stretch, Tally]:
    names = ("number", "device", "since", "until")
    rows = [dict(zip(names, (n, *one), strict=True)) for n, one in enumerate(stretches)]
    with engine.begin() as connection:
        _stretches.create(connection)
        connection.execute(insert(_stretches), rows)
        found = connection.execute(_stretch_statement(wanted, newest)).all()
        _stretches.drop(connection)  # the connection is used again
    return {stretches[number]: Tally(*sums) for number, *sums in found}


def _list_stretches(connection: Connection, wanted: Wanted, cut: Cut) -> list[Stretch]:
    """Return stretches of which most have events, from the index alone."""
    hour = hour_of(events.c.captured_at)
    found = [
        (device, datetime.fromisoformat(text).replace(tzinfo=UTC))
        for device, text in connection.execute(
            select(events.c.device, hour).where(*wanted.of_index()).distinct()
        )
    ]
    pieces = cut({hour for _, hour in found})
    return [(device, since, until) for device, hour in sorted(found) for since, until in pieces[hour]]


def _stretch_statement(wanted: Wanted, newest: int) -> Select[Any]:
    """Return number, events, detections, sum of confidences, frames kept and frames dropped."""
    own = (
        (events.c.device == _stretches.c.device)
        & (events.c.captured_at >= _stretches.c.since)
        & (events.c.captured_at < _stretches.c.until)
    )
    seen = detections.c.event_id == events.c.id
    for clause in wanted.of_detections():
        seen &= clause
    pairs = _stretches.join(events, own).join(detections, seen, isouter=not wanted.narrows_detections)
    columns = (
        _stretches.c.number,
        _count_events(wanted, None),
        func.count(detections.c.position),
        func.coalesce(func.sum(detections.c.confidence), 0.0),
        _count_events(wanted, events.c.frame_digest.is_not(None)),
        _count_events(wanted, events.c.frame_dropped.is_not(None)),
    )
    return (
        select(*columns)
        .select_from(pairs)
        .where(events.c.kind == "event", events.c.id <= newest, *wanted.of_events())
        .group_by(_stretches.c.number)
    )


def _count_events(wanted: Wanted, condition: ColumnElement[bool] | None) -> ColumnElement[int]:
    """Count events in a join that repeats them for each detection, by their first where that is there."""
    if wanted.narrows_detections:
        own = events.c.id if condition is None else case((condition, events.c.id))
        return func.count(own.distinct())
    first = func.coalesce(detections.c.position, 0) == 0
    return func.count(case((first if condition is None else first & condition, 1)))


def _count_mix(engine: Engine, wanted: Wanted, share: Share) -> list[tuple[str, int, int, float]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(_mix_statement(wanted, share))]


def _mixed(rows: Iterable[tuple[str, int, int, float]]) -> Mix:
    labels: defaultdict[str, Tally] = defaultdict(Tally)
    steps: Counter[int] = Counter()
    for label, step, count, confidences in rows:
        labels[label] += Tally(detections=count, confidence_sum=confidences)
        steps[min(step, BINS - 1)] += count
    return Mix(dict(labels), steps)


def _mix_statement(wanted: Wanted, share: Share) -> Select[Any]:
    """Return label, step, detections and sum of confidences."""
    step = step_of(detections.c.confidence)
    sums = select(detections.c.label, step, func.count(), func.sum(detections.c.confidence))
    grouped = sums.group_by(literal_column("1"), literal_column("2"))
    if wanted.narrows_events:
        own = [*_own_events(wanted, share), detections.c.label.is_not(None)]
        return grouped.select_from(_seen_on_events(wanted)).where(*own)
    first, last = share
    amending = select(events.c.id).where(events.c.id > first, events.c.id <= last, events.c.kind != "event")
    own = [detections.c.event_id > first, detections.c.event_id <= last]
    return grouped.where(*own, detections.c.event_id.not_in(amending), *wanted.of_detections())


def _own_events(wanted: Wanted, share: Share) -> list[ColumnElement[bool]]:
    first, last = share
    return [events.c.id > first, events.c.id <= last, events.c.kind == "event", *wanted.of_events()]


def _seen_on_events(wanted: Wanted) -> FromClause:
    """Return a join that SQLite begins with the events; else it looks for the event of every detection."""
    seen = and_(detections.c.event_id == events.c.id, *wanted.of_detections())
    return events.join(detections, seen, isouter=True)


def step_of(confidence: ColumnElement[float]) -> ColumnElement[int]:
    """Return the number of a confidence's step; that of 1.0 is BINS, and belongs to the one before."""
    return _Floor(confidence * BINS)


class _Floor(FunctionElement[int]):
    """The integer below a positive number, which CAST gives on SQLite only."""

    type = Integer()
    name = "floor"
    inherit_cache = True


@compiles(_Floor)
def _compile_floor(element: _Floor, compiler: Any, **more: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **more)}) AS INTEGER)"


@compiles(_Floor, "sqlite")
def _compile_floor_for_sqlite(element: _Floor, compiler: Any, **more: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **more)} AS INTEGER)"

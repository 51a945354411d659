"""Sums of the log by quarter of an hour: counts a portion of it, and adds portions to what is there.

A row of kind "event" is never changed or taken away, and ids grow in commit order, so that what is counted up
to an id stays right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Table, case, delete, func, literal_column, or_, select
from sqlalchemy.dialects.sqlite import insert

from hub.store.row_insert import insert_rows
from hub.store.schema import STEPS, detections, events, label_tallies, quarter_tallies, tallied
from hub.store.tallies import BINS, Tally, Wanted, step_of
from hub.store.wall_clock import begin_of, hour_of, part_of

if TYPE_CHECKING:
    from hub.store.rows import Row

QUARTER = timedelta(minutes=15)
_QUARTERS = tuple(QUARTER * part for part in range(4))
_EVENTS = "events"

Key = tuple[str, str, datetime]
"""Device, source, beginning of a quarter of an hour."""


@dataclass
class LabelTally:
    """Sums over the detections with a label, and over the events that have any."""

    tally: Tally = field(default_factory=Tally)
    steps: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Portion:
    """What the events above id `first`, up to `last`, add; of `quarters` the detections are in `labels`."""

    first: int
    last: int
    quarters: dict[Key, Tally]
    labels: dict[tuple[Key, str], LabelTally]


def read_up_to(connection: Connection) -> int:
    """Return the id up to which events are in the sums."""
    return connection.execute(select(tallied.c.up_to).where(tallied.c.kind == _EVENTS)).scalar() or 0


def read_newest(connection: Connection) -> int:
    """Return the id up to which there may be events."""
    return connection.execute(select(func.max(events.c.id))).scalar() or 0


def count_portion(connection: Connection, first: int, last: int, wanted: Wanted | None = None) -> Portion:
    """Count the events above id `first`, up to `last`: all, or those that are wanted."""
    wanted = wanted or Wanted()
    own = [events.c.id > first, events.c.id <= last, events.c.kind == "event", *wanted.of_events()]
    quarters = connection.execute(_quarter_statement().where(*own))
    labels = connection.execute(_label_statement().where(*own, *wanted.of_detections()))
    return Portion(
        first,
        last,
        {_key(row): Tally(events=row[4], kept=row[5], dropped=row[6]) for row in quarters},
        _fold(labels),
    )


def _keys() -> tuple[Any, ...]:
    moment = events.c.captured_at
    return events.c.device, events.c.source, hour_of(moment), part_of(moment, _QUARTERS)


def _key(row: Sequence[Any]) -> Key:
    return row[0], row[1], begin_of(row[2], row[3], _QUARTERS)


def _quarter_statement() -> Select[Any]:
    counts = func.count(), func.count(events.c.frame_digest), func.count(events.c.frame_dropped)
    return select(*_keys(), *counts).group_by(*_numbers(4))


def _label_statement() -> Select[Any]:
    """Group by label, step of confidence and what became of the frame; count each event with its first."""
    earlier = detections.alias("earlier")
    before = select(earlier.c.position).where(
        earlier.c.event_id == detections.c.event_id,
        earlier.c.position < detections.c.position,
        earlier.c.label == detections.c.label,
    )
    is_first = or_(detections.c.position == 0, ~before.exists())
    grouped = (
        detections.c.label,
        step_of(detections.c.confidence),
        events.c.frame_digest.is_not(None),
        events.c.frame_dropped.is_not(None),
    )
    sums = func.count(case((is_first, 1))), func.count(), func.sum(detections.c.confidence)
    # An outer join has SQLite begin with the events; else it may look for the event of every detection.
    seen = events.join(detections, detections.c.event_id == events.c.id, isouter=True)
    statement = select(*_keys(), *grouped, *sums).select_from(seen)
    return statement.where(detections.c.label.is_not(None)).group_by(*_numbers(8))


def _numbers(count: int) -> list[Any]:
    return [literal_column(str(number)) for number in range(1, count + 1)]


def _fold(rows: Iterable[Sequence[Any]]) -> dict[tuple[Key, str], LabelTally]:
    found: dict[tuple[Key, str], LabelTally] = {}
    for row in rows:
        label, step, kept, dropped, count, seen, confidences = row[4:]
        own = found.setdefault((_key(row), label), LabelTally())
        own.tally += Tally(count, seen, confidences, count * kept, count * dropped)
        own.steps[min(step, BINS - 1)] += seen
    return found


def _adding(table: Table) -> Any:
    keys = [column.name for column in table.primary_key]
    statement = insert(table)
    sums = {c.name: c + statement.excluded[c.name] for c in table.c if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=sums)


_ADD_QUARTERS, _ADD_LABELS = _adding(quarter_tallies), _adding(label_tallies)
_MOVE = insert(tallied).on_conflict_do_update(
    index_elements=["kind"], set_={"up_to": insert(tallied).excluded.up_to}
)


def add_portion(connection: Connection, portion: Portion) -> bool:
    """Add a portion to the sums, unless they no longer go up to where it begins; return whether they did."""
    if read_up_to(connection) != portion.first:
        return False
    insert_rows(connection, _ADD_QUARTERS, [_quarter_row(*one) for one in portion.quarters.items()])
    insert_rows(connection, _ADD_LABELS, [_label_row(*one) for one in portion.labels.items()])
    connection.execute(_MOVE, {"kind": _EVENTS, "up_to": portion.last})
    return True


def forget_sums(connection: Connection) -> None:
    """Begin anew, where events may come under ids that were counted already."""
    for table in (tallied, quarter_tallies, label_tallies):
        connection.execute(delete(table))


def _quarter_row(key: Key, own: Tally) -> Row:
    device, source, quarter_at = key
    counts = {"events": own.events, "kept": own.kept, "dropped": own.dropped}
    return {"quarter_at": quarter_at, "device": device, "source": source, **counts}


def _label_row(key: tuple[Key, str], own: LabelTally) -> Row:
    quarter, label = key
    seen = {"detections": own.tally.detections, "confidence_sum": own.tally.confidence_sum}
    steps = {name: own.steps[number] for number, name in enumerate(STEPS)}
    return {**_quarter_row(quarter, own.tally), "label": label, **seen, **steps}

"""Counts for reports from the sums by quarter of an hour, and from the events that are not in them yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, literal_column, select

from hub.store.quarters import QUARTER, Portion, count_portion, read_newest, read_up_to
from hub.store.schema import STEPS, label_tallies, quarter_tallies
from hub.store.tallies import Begin, Mix, Tally, Wanted
from hub.store.wall_clock import Marks, begin_of, hour_of, part_of

MOST_NEW = 40_000
"""Of so many events beyond the sums at most it is quicker to add those than to count everything."""
_SEEN = ("detections", "confidence_sum")
_MET = ("events", "kept", "dropped")


def tally_quickly(engine: Engine, wanted: Wanted, marks: Marks) -> tuple[dict[Begin, Tally], Mix] | None:
    """Count as `tally` does, or return None where the sums do not tell.

    They do not know of single confidences, nor where within a quarter of an hour something was seen; and they
    may lag behind.
    """
    if wanted.min_confidence > 0 or not all(map(_is_whole, (wanted.since, wanted.until))):
        return None
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # sums, and how far they go, of one moment
        up_to, newest = read_up_to(connection), read_newest(connection)
        if newest - up_to > MOST_NEW:
            return None
        portion = count_portion(connection, up_to, newest, wanted)
        cuts = _cut(connection, wanted, portion, marks)
        if any(cut % QUARTER for cut in cuts):
            return None
        return _sum_hours(connection, wanted, portion, cuts), _sum_mix(connection, wanted, portion)


def _is_whole(moment: datetime | None) -> bool:
    return moment is None or (moment.minute % 15, moment.second, moment.microsecond) == (0, 0, 0)


def _cut(connection: Connection, wanted: Wanted, portion: Portion, marks: Marks) -> Sequence[timedelta]:
    moment = quarter_tallies.c.quarter_at
    ends = select(func.min(moment), func.max(moment)).where(*_own(quarter_tallies, wanted))
    moments = [end for end in connection.execute(ends).one() if end is not None]
    moments += [quarter_at for _, _, quarter_at in portion.quarters]
    return marks(min(moments), max(moments)) if moments else ()


def _own(table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.device is not None:
        found.append(table.c.device == wanted.device)
    if wanted.source is not None:
        found.append(table.c.source == wanted.source)
    if wanted.since is not None:
        found.append(table.c.quarter_at >= wanted.since)
    if wanted.until is not None:
        found.append(table.c.quarter_at < wanted.until)
    if wanted.label is not None and table is label_tallies:
        found.append(table.c.label == wanted.label)
    return found


def _sum_hours(
    connection: Connection, wanted: Wanted, portion: Portion, cuts: Sequence[timedelta]
) -> dict[Begin, Tally]:
    sums: defaultdict[Begin, Tally] = defaultdict(Tally)
    met = quarter_tallies if wanted.label is None else label_tallies
    for table, names in ((met, _MET), (label_tallies, _SEEN)):
        for device, hour, part, *values in connection.execute(_hours(table, names, wanted, cuts)):
            sums[device, begin_of(hour, part, cuts)] += Tally(**dict(zip(names, values, strict=True)))
    if wanted.label is None:
        for (device, _, quarter_at), own in portion.quarters.items():
            sums[device, quarter_at] += own
    for ((device, _, quarter_at), _), seen in portion.labels.items():
        sums[device, quarter_at] += seen.tally if wanted.label is not None else seen.tally.without_events()
    return dict(sums)


def _hours(table: Table, names: Sequence[str], wanted: Wanted, cuts: Sequence[timedelta]) -> Any:
    moment = table.c.quarter_at
    keys = table.c.device, hour_of(moment), part_of(moment, cuts)
    sums = (func.sum(table.c[name]) for name in names)
    return select(*keys, *sums).where(*_own(table, wanted)).group_by(*map(literal_column, "123"))


def _sum_mix(connection: Connection, wanted: Wanted, portion: Portion) -> Mix:
    labels: defaultdict[str, Tally] = defaultdict(Tally)
    steps: Counter[int] = Counter()
    table = label_tallies
    sums = (func.sum(table.c[name]) for name in (*_SEEN, *STEPS))
    for label, count, confidences, *counts in connection.execute(
        select(table.c.label, *sums).where(*_own(table, wanted)).group_by(table.c.label)
    ):
        labels[label] += Tally(detections=count, confidence_sum=confidences)
        steps.update(dict(enumerate(counts)))
    for (_, label), own in portion.labels.items():
        labels[label] += own.tally.without_events()
        steps.update(own.steps)
    return Mix(dict(labels), steps)

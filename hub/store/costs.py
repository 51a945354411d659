"""Adds up, in the database, what was paid: for calls about pictures, effects, and models run in batches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, literal_column, select

from hub.store.schema import batches, calls, effects
from hub.store.wall_clock import Marks, begin_of, hour_of, part_of

BATCH = "batch"
"""The operation that a model's run is counted under, beside those of calls and the groups of effects."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Sums over some calls, effects or batches."""

    calls: int = 0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.calls + other.calls, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class BatchCost:
    """What one batch took: inference-unit hours, and USD, as estimated before it and as found after.

    None where nothing tells: no earlier batch, a model that somebody else runs, one not stopped yet.
    """

    plugin: str
    number: int
    state: str
    pictures: int
    began_at: datetime
    ended_at: datetime | None
    note: str
    estimated_unit_hours: float | None
    estimated_usd: float | None
    unit_hours: float | None
    usd: float | None


@dataclass(frozen=True)
class Paid:
    """What was paid: by (instance, operation, beginning of a part of an hour), and batch by batch."""

    parts: dict[tuple[str, str, datetime], Cost] = field(default_factory=dict)
    batches: list[BatchCost] = field(default_factory=list)


def read_paid(
    connection: Connection, marks: Marks, since: datetime | None, until: datetime | None, plugin: str | None
) -> Paid:
    """Count what began from `since` and before `until`; None for any."""
    found: defaultdict[tuple[str, str, datetime], Cost] = defaultdict(Cost)
    tables = (
        (calls, calls.c.operation, calls.c.price, calls.c.state != "free"),
        (effects, effects.c.group, effects.c.amount, effects.c.amount > 0),
    )
    for table, operation, price, paid in tables:
        wanted = [paid, *_wanted(table, since, until, plugin)]
        first, last = connection.execute(
            select(func.min(table.c.began_at), func.max(table.c.began_at)).where(*wanted)
        ).one()
        if first is None:
            continue
        cuts = marks(first, last)
        hour, part = hour_of(table.c.began_at), part_of(table.c.began_at, cuts)
        sums = select(table.c.plugin, operation, hour, part, func.count(), func.sum(price)).where(*wanted)
        for name, what, text, at, count, usd in connection.execute(
            sums.group_by(*(literal_column(str(n)) for n in (1, 2, 3, 4)))
        ):
            found[name, what, begin_of(text, at, cuts)] += Cost(count, usd)
    rows = connection.execute(
        select(batches).where(*_wanted(batches, since, until, plugin)).order_by(batches.c.id)
    )
    runs = [batch_cost(dict(row)) for row in rows.mappings()]
    for run in runs:
        if run.usd is not None:
            found[run.plugin, BATCH, run.began_at] += Cost(1, run.usd)
    return Paid(dict(found), runs)


def _wanted(
    table: Table, since: datetime | None, until: datetime | None, plugin: str | None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if plugin is None else [table.c.plugin == plugin]
    if since is not None:
        found.append(table.c.began_at >= since)
    if until is not None:
        found.append(table.c.began_at < until)
    return found


def batch_cost(row: dict[str, Any]) -> BatchCost:
    """Return what a row of `batches` says of cost; what the plugin remembered may be anything."""
    memory = row["memory"]
    units, hours = _number(memory.get("units")), _number(memory.get("hours"))
    before = _number(memory.get("estimated_hours"))
    return BatchCost(
        plugin=row["plugin"],
        number=row["id"],
        state=row["state"],
        pictures=row["backlog"],
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        note=row["note"],
        estimated_unit_hours=None if before is None else before * (units or 1),
        estimated_usd=_number(memory.get("estimated_cost")),
        unit_hours=None if hours is None else hours * (units or 1),
        usd=_number(memory.get("cost")),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def sum_paid(connection: Connection, since: datetime) -> dict[str, float]:
    """Return USD by instance of what began from then on: calls and effects, which budgets hold for."""
    found: defaultdict[str, float] = defaultdict(float)
    for table, price in ((calls, calls.c.price), (effects, effects.c.amount)):
        sums = select(table.c.plugin, func.sum(price)).where(price > 0, table.c.began_at >= since)
        for plugin, usd in connection.execute(sums.group_by(table.c.plugin)):
            found[plugin] += usd
    return dict(found)


def list_batch_costs(connection: Connection, since: datetime) -> list[BatchCost]:
    """Return the batches that began from then on, and those that have not ended, oldest first."""
    wanted = (batches.c.began_at >= since) | (batches.c.state != "ended")
    rows = connection.execute(select(batches).where(wanted).order_by(batches.c.id))
    return [batch_cost(dict(row)) for row in rows.mappings()]

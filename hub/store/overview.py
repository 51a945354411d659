"""What people ask of the store: deliveries, quarantine, devices, lines and gaps. Reading only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Engine, Select, Subquery, Table, func, select

from hub.errors import StoreError
from hub.store.database import check_store, open_engine, open_read_engine
from hub.store.schema import (
    batches,
    calls,
    cursors,
    deliveries,
    detections,
    device_history,
    devices,
    epochs,
    events,
    gaps,
    pauses,
    plugin_parts,
    plugin_revisions,
    plugin_states,
    quarantine,
)
from hub.store.settlement import LIVE_RUN

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Rows = list[dict[str, Any]]


@asynccontextmanager
async def reading(data_dir: Path) -> AsyncIterator[AsyncEngine]:
    """Open an existing store for reading; works whether or not a hub is running.

    Raises:
        StoreError: There is none, or it is of another version.
    """
    check_store(data_dir)
    engine = open_engine(data_dir)
    try:
        yield engine
    finally:
        await engine.dispose()


@contextmanager
def reading_in_threads(data_dir: Path) -> Iterator[Engine]:
    """Open an existing store for threads that read, as `reading` does for tasks.

    Raises:
        StoreError: There is none, or it is of another version.
    """
    check_store(data_dir)
    engine = open_read_engine(data_dir)
    try:
        yield engine
    finally:
        engine.dispose()


async def _rows(engine: AsyncEngine, statement: Select[Any]) -> Rows:
    async with engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def list_cursors(engine: AsyncEngine) -> Rows:
    """Return the live cursor of each plugin instance."""
    return await _rows(engine, select(cursors).where(cursors.c.run_id == LIVE_RUN).order_by(cursors.c.plugin))


async def list_plugin_states(engine: AsyncEngine) -> Rows:
    """Return what became of each instance at the hub's last start."""
    return await _rows(engine, select(plugin_states).order_by(plugin_states.c.plugin))


async def list_pauses(engine: AsyncEngine) -> Rows:
    """Return the instances that are paused, since when and why."""
    return await _rows(engine, select(pauses).order_by(pauses.c.plugin))


async def list_parts(engine: AsyncEngine) -> Rows:
    """Return how the decoders and sources of instances are doing, and what instances say of themselves."""
    return await _rows(engine, select(plugin_parts).order_by(plugin_parts.c.plugin, plugin_parts.c.part))


async def list_revisions(engine: AsyncEngine, plugin: str) -> Rows:
    """Return an instance's matches, oldest first."""
    own = plugin_revisions.c.plugin == plugin
    return await _rows(engine, select(plugin_revisions).where(own).order_by(plugin_revisions.c.from_id))


async def count_outcomes(engine: AsyncEngine) -> dict[str, dict[str, int]]:
    """Return {plugin: {outcome: count}}, with the deliveries that have no row counted from the cursors."""
    counts: dict[str, dict[str, int]] = {}
    for cursor in await list_cursors(engine):
        counts[cursor["plugin"]] = {"done": cursor["done"], "filtered": cursor["filtered"]}
    by_row = select(deliveries.c.plugin, deliveries.c.outcome, func.count().label("count"))
    grouped = by_row.where(deliveries.c.run_id == LIVE_RUN).group_by(
        deliveries.c.plugin, deliveries.c.outcome
    )
    for row in await _rows(engine, grouped):
        own = counts.setdefault(row["plugin"], {})
        own[row["outcome"]] = own.get(row["outcome"], 0) + row["count"]
    return counts


async def list_deliveries(
    engine: AsyncEngine,
    *,
    plugin: str | None = None,
    outcome: str | None = None,
    event_id: int | None = None,
    limit: int = 50,
) -> Rows:
    """Return the newest deliveries that have a row."""
    conditions: list[ColumnElement[bool]] = [deliveries.c.run_id == LIVE_RUN]
    if plugin is not None:
        conditions.append(deliveries.c.plugin == plugin)
    if outcome is not None:
        conditions.append(deliveries.c.outcome == outcome)
    if event_id is not None:
        conditions.append(deliveries.c.event_id == event_id)
    statement = select(deliveries).where(*conditions)
    return await _rows(engine, statement.order_by(deliveries.c.updated_at.desc()).limit(limit))


async def list_replayed(engine: AsyncEngine, event_id: int) -> Rows:
    """Return what came of an event in replays, oldest replay first."""
    own = (deliveries.c.event_id == event_id, deliveries.c.run_id != LIVE_RUN)
    return await _rows(engine, select(deliveries).where(*own).order_by(deliveries.c.updated_at))


async def list_quarantine(engine: AsyncEngine, *, code: str | None = None, limit: int = 50) -> Rows:
    """Return the newest refused messages, without their bytes."""
    wanted = [column for column in quarantine.c if column.name != "payload"]
    statement = select(*wanted).order_by(quarantine.c.id.desc()).limit(limit)
    return await _rows(engine, statement if code is None else statement.where(quarantine.c.code == code))


async def count_quarantine(engine: AsyncEngine) -> dict[str, int]:
    """Return {code: count}."""
    grouped = select(quarantine.c.code, func.count().label("count")).group_by(quarantine.c.code)
    return {row["code"]: row["count"] for row in await _rows(engine, grouped)}


async def read_quarantine(engine: AsyncEngine, number: int) -> dict[str, Any]:
    """Return one refused message with its bytes; raises StoreError when there is none of that number."""
    rows = await _rows(engine, select(quarantine).where(quarantine.c.id == number))
    if not rows:
        raise StoreError(f"no quarantined message {number}; `lenshub quarantine list` shows what there is")
    return rows[0]


async def list_devices(engine: AsyncEngine) -> Rows:
    """Return the devices ever seen, with counts.

    `events` are counted once each, whatever amends them. `gaps` are stretches of records that a device said
    are gone, `missing` the records in them. `stale` and `early` records came again or out of turn, and were
    dropped.
    """
    later = _count_amendments()
    rows = _for_device(events, "events", func.count())
    statement = select(
        devices,
        (rows - func.coalesce(later.c.rows, 0)).label("events"),  # the index has no `amends`
        _for_device(gaps, "gaps", func.count()),
        _for_device(gaps, "missing", func.sum(gaps.c.last - gaps.c.first + 1)),
        _for_device(epochs, "stale", func.sum(epochs.c.stale)),
        _for_device(epochs, "early", func.sum(epochs.c.early)),
    )
    joined = devices.join(later, later.c.device == devices.c.name, isouter=True)
    return await _rows(engine, statement.select_from(joined).order_by(devices.c.name))


def _count_amendments() -> Subquery:
    name = events.c.device.concat("")  # no column, so that not the devices' index is read but the amendments'
    counted = select(name.label("device"), func.count().label("rows"))
    return counted.where(events.c.amends > 0).group_by(name).subquery()


def _for_device(table: Table, name: str, figure: ColumnElement[Any]) -> ColumnElement[Any]:
    own = select(figure).where(table.c.device == devices.c.name).select_from(table)
    return func.coalesce(own.scalar_subquery(), 0).label(name)


async def list_history(engine: AsyncEngine, device: str, limit: int = 20) -> Rows:
    """Return the newest entries of a device's history."""
    own = select(device_history).where(device_history.c.device == device)
    return await _rows(engine, own.order_by(device_history.c.id.desc()).limit(limit))


async def list_epochs(engine: AsyncEngine, device: str | None = None) -> Rows:
    """Return how far each epoch is committed."""
    statement = select(epochs).order_by(epochs.c.device, epochs.c.first_seen_at)
    return await _rows(engine, statement if device is None else statement.where(epochs.c.device == device))


async def list_gaps(engine: AsyncEngine) -> Rows:
    """Return the records that devices said are gone."""
    return await _rows(engine, select(gaps).order_by(gaps.c.id))


async def count_rows(engine: AsyncEngine) -> dict[str, int]:
    """Return the numbers of events, detections, gaps and refused messages."""
    tables = {"events": events, "detections": detections, "gaps": gaps, "quarantine": quarantine}
    statement = select(
        *(
            select(func.count()).select_from(table).scalar_subquery().label(name)
            for name, table in tables.items()
        )
    )
    return {name: int(count) for name, count in (await _rows(engine, statement))[0].items()}


async def read_newest(engine: AsyncEngine) -> dict[str, Any] | None:
    """Return the newest event: id, device, source, when it was captured and received; None without any.

    What is said later of an event is no newer one.
    """
    columns = (events.c.id, events.c.device, events.c.source, events.c.captured_at, events.c.received_at)
    first = events.c.amends.is_(None)
    rows = await _rows(engine, select(*columns).where(first).order_by(events.c.id.desc()).limit(1))
    return rows[0] if rows else None


async def list_batches(engine: AsyncEngine) -> Rows:
    """Return the batches for which models were started, oldest first."""
    return await _rows(engine, select(batches).order_by(batches.c.id))


async def count_paid(engine: AsyncEngine) -> Rows:
    """Return how many calls of each operation an instance paid for, and how much."""
    counted = (func.count().label("calls"), func.sum(calls.c.price).label("cost"))
    statement = select(calls.c.plugin, calls.c.operation, *counted).where(calls.c.state != "free")
    return await _rows(engine, statement.group_by(calls.c.plugin, calls.c.operation))


async def count_sources(engine: AsyncEngine) -> dict[str, int]:
    """Return how many events came of each source."""
    statement = select(events.c.source, func.count().label("count")).group_by(events.c.source)
    return {row["source"]: row["count"] for row in await _rows(engine, statement)}


async def list_outcomes_of(engine: AsyncEngine, event_ids: Sequence[int]) -> Rows:
    """Return the delivery rows of some events."""
    wanted = deliveries.c.event_id.in_(event_ids)
    return await _rows(engine, select(deliveries).where(wanted, deliveries.c.run_id == LIVE_RUN))


async def list_notes(engine: AsyncEngine, plugin: str, event_ids: Sequence[int]) -> Rows:
    """Return event_id and note of an instance's deliveries that are done, replays too, oldest first."""
    own = (deliveries.c.plugin == plugin, deliveries.c.outcome == "done", deliveries.c.note != "")
    wanted = select(deliveries.c.event_id, deliveries.c.note).where(
        *own, deliveries.c.event_id.in_(event_ids)
    )
    return await _rows(engine, wanted.order_by(deliveries.c.updated_at, deliveries.c.run_id))

"""The whole hub at a glance: what runs, what waits, what was paid, and what somebody should look at first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hub.config import Config
from hub.images.spending import month_of
from hub.instances import RUNS, Facts, join_instances, read_instances, trouble
from hub.store import overview
from hub.store.costs import BatchCost, list_batch_costs, sum_paid
from hub.store.database import Database, database_path, hub_is_running
from hub.store.log import EventLog
from hub.store.review_tallies import STATES, read_reviewed
from hub.store.tallies import Wanted
from hub.wire.protocol import CHECKED
from hub.words import as_usd, count_of

FAR_BEHIND = 1000
"""Events: an instance that runs and is further behind does not keep up."""
LITTLE_DISK = 2**30
RECENT = timedelta(days=7)
"""A device that was not seen for longer is taken for one that is gone."""
_DAY = timedelta(days=1)
RESTING = frozenset({"paused", "not in hub.toml"})
"""States that somebody chose."""


@dataclass(frozen=True, slots=True)
class Spent:
    """USD an instance paid within 24 hours and this month (UTC), and its budgets, if it has any."""

    plugin: str
    day: float
    month: float
    day_budget: float | None = None
    month_budget: float | None = None


@dataclass(frozen=True)
class Status:
    """What `lenshub status` tells; moments are UTC.

    Attributes:
        review: Captured events by state: open, disputed, accepted, corrected, rejected.
        batches: Those of this month, and those under way.
        problems: What to look at, the gravest first.
    """

    running: bool
    data_dir: str
    database_bytes: int
    free_bytes: int
    newest: dict[str, Any] | None
    devices: list[dict[str, Any]]
    instances: list[Facts]
    spending: list[Spent]
    batches: list[BatchCost]
    review: dict[str, int]
    quarantine: dict[str, int]
    problems: list[str] = field(default_factory=list)


async def read_status(config: Config, engine: Database, now: datetime) -> Status:
    """Read the status; needs no running hub."""
    log, data_dir = EventLog(engine), config.hub.data_dir
    instances = join_instances(config, await read_instances(engine, config.plugins))
    newest = await overview.read_newest(engine)
    day = await log.ask(lambda connection: sum_paid(connection, now - _DAY))
    month = await log.ask(lambda connection: sum_paid(connection, month_of(now)))
    reviewed = await log.ask(
        lambda connection: read_reviewed(connection, Wanted(), lambda *_: [timedelta(0)])
    )
    review = dict.fromkeys(STATES, 0) if reviewed.states else {}
    for (_, state), count in reviewed.states.items():
        review[state] += count
    found = Status(
        running=hub_is_running(data_dir),
        data_dir=str(data_dir),
        database_bytes=_size(database_path(data_dir)),
        free_bytes=shutil.disk_usage(data_dir).free,
        newest=newest,
        devices=await overview.list_devices(engine),
        instances=instances,
        spending=_spending(instances, day, month),
        batches=await log.ask(lambda connection: list_batch_costs(connection, month_of(now))),
        review=review,
        quarantine=await overview.count_quarantine(engine),
    )
    found.problems.extend(_list_problems(found, now))
    return found


def _size(database: Path) -> int:
    """Return the bytes of the database and of its log, which may go at any time."""
    size = database.stat().st_size
    with suppress(FileNotFoundError):
        size += database.with_name(f"{database.name}-wal").stat().st_size
    return size


def _spending(instances: list[Facts], day: dict[str, float], month: dict[str, float]) -> list[Spent]:
    budgets = {one["plugin"]: one.get("budgets", {}) for one in instances}
    names = [name for name in budgets if budgets[name]] + [*day, *month]
    return [
        Spent(
            name,
            day.get(name, 0.0),
            month.get(name, 0.0),
            budgets.get(name, {}).get("day"),
            budgets.get(name, {}).get("month"),
        )
        for name in dict.fromkeys(names)
    ]


def _list_problems(status: Status, now: datetime) -> Iterator[str]:
    if not status.running:
        yield "no hub is running: `lenshub run`"
    if status.free_bytes < LITTLE_DISK:
        yield f"{status.data_dir}: {status.free_bytes / 2**20:,.0f} MB of disk are left"
    for one in status.instances:
        yield from _instance_problems(one, running=status.running)
    for spent in status.spending:
        yield from _budget_problems(spent)
    for device in status.devices:
        state = device["state"]
        is_check = state == "offline" and device["state_text"] == CHECKED
        if state not in {None, "online"} and not is_check and now - device["last_seen_at"] < RECENT:
            text = f": {device['state_text']}" if device["state_text"] else ""
            yield f"device {device['name']} is {state}{text}"
        elif device["missing"]:
            gone = count_of(device["missing"], "record")
            yield f"device {device['name']} lost {gone}: `lenshub device list`"
    if refused := sum(status.quarantine.values()):
        yield f"{count_of(refused, 'message')} refused: `lenshub quarantine list`"


def _instance_problems(one: Facts, *, running: bool) -> Iterator[str]:
    name, state = one["plugin"], one["state"]
    parts = [part for part in one.get("parts", {}).values() if not part["well"]]
    if "open_batch" in one:
        yield f"{name}: {trouble(one)}"
    if state in {"failed", "held back"} or (running and state not in RUNS | RESTING):
        yield f"{name} is {state}" + (f": {one['reason']}" if one["reason"] else "")
    elif state in {"probing", "restarting"} or (state == "running" and parts):
        yield f"{name}: {trouble(one) or state}"
    counts = one.get("outcomes", {})
    for outcome in ("dead", "unknown"):
        if count := counts.get(outcome):
            command = f"lenshub deliveries --plugin {name} --outcome {outcome}"
            yield f"{name}: {count:,} {outcome}: `{command}`"
    if state == "running" and one.get("behind", 0) > FAR_BEHIND:
        yield f"{name} is {one['behind']:,} events behind"


def _budget_problems(spent: Spent) -> Iterator[str]:
    for period, used, budget in (
        ("24 hours", spent.day, spent.day_budget),
        ("this month", spent.month, spent.month_budget),
    ):
        if budget is not None and used >= 0.9 * budget:
            yield f"{spent.plugin}: USD {as_usd(used)} of {as_usd(budget)} for {period} are spent"

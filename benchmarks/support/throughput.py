"""How many events a second the hub commits and dispatches, beside how many a bare loop receives."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text
from support.broker import mosquitto
from support.hub_process import FOUR_NOOPS, database_of, dispatched, running_hub, write_settings
from support.publisher import Publisher

from hub.store.database import open_engine

_BARE = Path(__file__).with_name("bare.py")
_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")


@dataclass(frozen=True)
class Pair:
    """One backlog, consumed by both. Rates in messages a second, CPU time in microseconds a message."""

    sent: int
    bare_per_s: float
    hub_per_s: float
    ratio: float
    bare_cpu_us: float
    hub_cpu_us: float
    rows: dict[str, int]


@dataclass(frozen=True)
class Throughput:
    """All pairs, the median of their ratios, and how durable the hub's commits were."""

    journal_mode: str
    synchronous: str
    pairs: Sequence[Pair]
    median_ratio: float


def measure_throughput(folder: Path, messages: int, runs: int) -> Throughput:
    """Measure pairs one after the other, each on a new broker and a new database."""
    pairs = [_measure_pair(folder / f"run-{number}", messages) for number in range(runs)]
    journal_mode, synchronous = asyncio.run(_ask_durability(folder / "run-0" / "data"))
    return Throughput(journal_mode, synchronous, pairs, median(pair.ratio for pair in pairs))


def _measure_pair(folder: Path, messages: int) -> Pair:
    folder.mkdir()
    with mosquitto(folder / "broker") as port:
        write_settings(folder, port, FOUR_NOOPS)
        with running_hub(folder) as hub:
            hub.wait_until_connected()  # its session exists from here on
        _run_bare(port, "open")
        with Publisher(port) as publisher:
            publisher.publish(messages)
        bare = json.loads(_run_bare(port, str(messages)))
        hub_s, cpu_s, rows = _time_hub(folder, messages)
    bare_per_s, hub_per_s = messages / bare["seconds"], messages / hub_s
    return Pair(
        sent=publisher.acknowledged,
        bare_per_s=bare_per_s,
        hub_per_s=hub_per_s,
        ratio=hub_per_s / bare_per_s,
        bare_cpu_us=bare["cpu_s"] / messages * 1e6,
        hub_cpu_us=cpu_s / messages * 1e6,
        rows=rows,
    )


def _run_bare(port: int, what: str) -> str:
    command = [sys.executable, str(_BARE), str(port), what]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout


def _time_hub(folder: Path, messages: int) -> tuple[float, float, dict[str, int]]:
    """Return seconds from the first message received to the last one dispatched, CPU seconds, and rows."""
    with running_hub(folder) as hub, database_of(folder) as ask:
        hub.wait_until_connected()
        cpu_before_s = hub.cpu_s()
        end = hub.wait_until(dispatched(ask, messages))
        cpu_s = hub.cpu_s() - cpu_before_s
        first = datetime.fromisoformat(ask("SELECT min(received_at) FROM messages")).replace(tzinfo=UTC)
        return end - first.timestamp(), cpu_s, _count_rows(ask)


def _count_rows(ask: Callable[[str], Any]) -> dict[str, int]:
    tables = ("events", "messages", "detections", "quarantine", "deliveries")
    counts = {table: ask(f"SELECT count(*) FROM {table}") for table in tables}  # noqa: S608 - names above
    return counts | {"delivered": ask("SELECT sum(done) FROM cursors")}


async def _ask_durability(data_dir: Path) -> tuple[str, str]:
    """Return journal mode and PRAGMA synchronous as a connection of the hub has them."""
    engine = open_engine(data_dir)
    async with engine.connect() as connection:
        journal_mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar_one()
        synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar_one()
    await engine.dispose()
    return str(journal_mode), _SYNCHRONOUS[synchronous]

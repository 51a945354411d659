"""Times what reviewers do at the desk, one call after the other, as a terminal or a page asks for it."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from support.report import tabulate

from hub.event import Box, Detection
from hub.review.desk import Desk, open_desk
from hub.review.settings import ReviewSettings
from hub.store import schema
from hub.store.database import database_path, open_write_engine
from hub.store.review_queue import ReviewFilter, is_for_two

REASONS = ("near_threshold", "confident", "random", "rare")
SHARE = ReviewSettings().second_share
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")
LEFT = 6
"""How many captured events are left for a call when nearly all are reviewed."""
Step = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Operation:
    """Milliseconds that calls of one operation took."""

    name: str
    queue: str
    calls: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def capture(data_dir: Path, events: int, captures: int) -> None:
    """Say that some of the events were chosen, spread over the log, with made-up scores."""
    chance = random.Random(6)  # noqa: S311 - made-up scores
    rows = [
        {
            "plugin": "retraining",
            "event_id": event_id,
            "device": "Seattle01",
            "label": "cup",
            "reasons": [chance.choice(REASONS)],
            "score": chance.random(),
            "likeness": bytes(32),
            "chosen_at": datetime.now(UTC),
        }
        for event_id in chance.sample(range(1, events + 1), captures)
    ]
    engine = open_write_engine(data_dir)
    with engine.begin() as connection:
        connection.execute(insert(schema.captures), rows)
    engine.dispose()


async def measure_operations(data_dir: Path, captures: int, runs: int) -> list[Operation]:
    """Time every operation while nothing is reviewed, and once nearly all that was captured is."""
    found = [_measure_bare(data_dir, runs)]
    async with open_desk(data_dir) as desk:
        found += await _measure(desk, "full", runs)
        _review_most(data_dir, max(captures - LEFT * runs, 0))
        found += await _measure(desk, "nearly done", runs)
        _mark_applied(data_dir)  # amendments are the hub's business, and not measured here
    return found


async def _measure(desk: Desk, queue: str, runs: int) -> list[Operation]:
    box = Box(left=0.125, top=0.25, width=0.5, height=0.25)
    said = (Detection(label="cup", confidence=1.0, box=box), Detection(label="face", confidence=1.0))
    numbers = count()

    def take(**wanted: Any) -> Step:
        return lambda: desk.take(f"taker {next(numbers) % 9}", ReviewFilter(**wanted))

    async def held() -> int:
        (task,) = await desk.take("anna")
        return task.event.id

    def judge(how: Callable[[int], Awaitable[object]]) -> Callable[[], Awaitable[Step]]:
        async def prepare() -> Step:
            event_id = await held()
            return lambda: how(event_id)

        return prepare

    async def prepare_undo() -> Step:
        await desk.accept(await held(), "anna")
        return lambda: desk.undo("anna")

    steps: dict[str, Callable[[], Awaitable[Step]]] = {
        "take": _always(take()),
        "take, who has seen the rest": _always(lambda: desk.take("ben")),
        "take, one label": _always(take(label="親指")),
        "take, reason and confidence": _always(take(reason="rare", min_confidence=0.4, max_confidence=0.6)),
        "take, any picture": _always(take(every=True, device="Chicago02")),
        "accept": judge(lambda one: desk.accept(one, "anna")),
        "reject": judge(lambda one: desk.reject(one, "anna", note="too dark")),
        "correct": judge(lambda one: desk.correct(one, "anna", said)),
        "undo": prepare_undo,
    }
    return [await _time(name, queue, prepare, runs) for name, prepare in steps.items()]


def _always(step: Step) -> Callable[[], Awaitable[Step]]:
    async def prepare() -> Step:
        return step

    return prepare


async def _time(name: str, queue: str, prepare: Callable[[], Awaitable[Step]], runs: int) -> Operation:
    taken = []
    for _ in range(runs):
        step = await prepare()
        begun = time.perf_counter()
        await step()
        taken.append((time.perf_counter() - begun) * 1000)
    return _summarize(name, queue, taken)


def _summarize(name: str, queue: str, taken: Sequence[float]) -> Operation:
    ordered = sorted(taken)
    last = len(ordered) - 1
    p50, p99 = ordered[round(last * 0.5)], ordered[round(last * 0.99)]
    return Operation(name, queue, len(ordered), round(p50, 2), round(p99, 2), round(ordered[-1], 2))


def _measure_bare(data_dir: Path, runs: int) -> Operation:
    """Time one row and its commit in a database of its own, flushed as the store's are."""
    taken = []
    with closing(sqlite3.connect(data_dir / "bare.sqlite", isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE verdicts (id INTEGER PRIMARY KEY, said TEXT)")
        for number in range(runs):
            begun = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO verdicts (said) VALUES (?)", (f"accepted {number}",))
            connection.execute("COMMIT")
            taken.append((time.perf_counter() - begun) * 1000)
    return _summarize("bare INSERT and COMMIT", "-", taken)


def _review_most(data_dir: Path, reviewed: int) -> None:
    """Let somebody have accepted what teaches most, in one go."""
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.execute(
            "INSERT INTO reviews (event_id, reviewer, verdict, note, made_at) "
            "SELECT event_id, 'ben', 'accepted', '', '2026-11-22 08:00:00.000000' FROM captures "
            "WHERE closed_at IS NULL ORDER BY score DESC LIMIT ?",
            (reviewed,),
        )
        connection.create_function("for_two", 1, lambda event_id: is_for_two(event_id, SHARE))
        connection.execute(
            "UPDATE captures SET closed_at = '2026-11-22 08:00:00.000000' WHERE NOT for_two(event_id) "
            "AND event_id IN (SELECT event_id FROM reviews WHERE reviewer = 'ben')"
        )


def _mark_applied(data_dir: Path) -> None:
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.execute("UPDATE reviews SET applied_at = made_at")


def describe_operations(found: Sequence[Operation], events: int, captures: int) -> str:
    """Return the table."""
    heads = ("operation", "queue", "calls", "p50, ms", "p99, ms", "max, ms")
    rows = [
        (one.name, one.queue, one.calls, *(f"{ms:.1f}" for ms in (one.p50_ms, one.p99_ms, one.max_ms)))
        for one in found
    ]
    return f"""\
Review: calls of the desk, each one commit flushed to the disk, on a store of {events:,} events of which
{captures:,} were captured. `nearly done`: one reviewer has seen nearly all of these, and a second is wanted
for a tenth of them.

{tabulate(heads, rows)}
"""

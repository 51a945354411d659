"""The third leg: a plain client publishes one payload again and again; the hub is killed.

Nothing tells these messages apart but the ids that MQTT gives them, so only their number can be checked:
as many must be stored as were published, neither more (a redelivery stored twice) nor fewer (one dropped that
was never stored). The publisher stays connected, so it sends nothing twice.
"""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from killing import Flight, Killing, NoMomentError, wait_until
from plain import DRAIN_S, ROWS, THING, Publisher, has_stored
from plan import Plan
from receipts_check import check_receipts, complete
from stage import Stage
from victim import Victim

from hub.store.recent import PROOF

PAYLOAD = b'{"thumbs-up": 0.8713}'
LAST = b'{"last": 1}'
PRELUDE = PROOF + 100
"""Stored before the first kill: the ids of a strange broker have to show first that they go upwards."""
DROPPED = re.compile(r"store\.repeats (\d+)")
COUNTS = {
    "stored": "SELECT count(*) FROM events",
    "marked_maybe_repeat": "SELECT count(*) FROM events WHERE attributes LIKE '%maybe_repeat%'",
    "redelivered_and_stored": "SELECT count(*) FROM messages WHERE duplicate",
}
FAULTS = {
    "quarantined": "SELECT count(*) FROM quarantine",
    "wrongly_marked": """
        SELECT count(*) FROM events e JOIN messages m ON m.id = e.message_id
        WHERE e.attributes LIKE '%maybe_repeat%' AND NOT m.duplicate""",
    "strangers": "SELECT count(*) FROM messages WHERE payload NOT IN (:payload, :last)",
    "damaged": "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
}


def count_stored(stage: Stage) -> int | None:
    """Return how many messages are committed, or None while the database cannot be read."""
    uri = f"file:{stage.database}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0.2)) as database:
            stored: int = database.execute(ROWS).fetchone()[0]
    except sqlite3.OperationalError:
        return None
    return stored


def look(stage: Stage, publisher: Publisher, _role: str, _victim: Victim) -> Flight | None:
    """Return how many acknowledged messages the hub has not committed."""
    acknowledged = publisher.acknowledged()
    stored = count_stored(stage) if stage.hub.has_open(stage.database) else None
    if stored is None or stored >= acknowledged:
        return None
    return Flight({"acknowledged by the broker, uncommitted": acknowledged - stored}, stored)


def run_identical(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    stage = Stage(folder, [THING], plan.mutant)
    everyone = [stage.broker, stage.hub]
    try:
        for victim in everyone:
            victim.start()
        wait_until(lambda: "mqtt.connected" in stage.hub.last_words(), "the hub listens", DRAIN_S, everyone)
        password = stage.passwords[THING]
        publisher = Publisher(stage.port, password, plan.events, plan.rate, lambda _: PAYLOAD)
        killing = _kill_and_wait(stage, publisher, plan)
        exit_code = stage.hub.stop()
    finally:
        for victim in everyone:
            victim.end()
    return _sum_up(stage, publisher, killing, plan, exit_code)


def _kill_and_wait(stage: Stage, publisher: Publisher, plan: Plan) -> Killing:
    dice = random.Random(plan.seed)  # noqa: S311 - a plan
    everyone = [stage.broker, stage.hub]
    publisher.start()
    wait_until(lambda: (count_stored(stage) or 0) >= PRELUDE, "the prelude is stored", DRAIN_S, everyone)
    began = publisher.acknowledged()
    killing = Killing(
        {"hub": [stage.hub]},
        plan.kills,
        plan.together,
        partial(look, stage, publisher),
        lambda: publisher.acknowledged() - began,
        max(plan.events - began, 1),
        dice,
    )
    with suppress(NoMomentError):  # what a hub stored twice hides what is in flight; kills are missing then
        killing.run()
    publisher.end(LAST)
    wait_until(lambda: has_stored(stage, LAST), "the last message is stored", DRAIN_S, everyone)
    wait_until(stage.delivered, "every plugin has everything", DRAIN_S, everyone)
    return killing


def _sum_up(
    stage: Stage, publisher: Publisher, killing: Killing, plan: Plan, exit_code: int
) -> dict[str, Any]:
    with closing(sqlite3.connect(stage.database)) as database:
        counts = {name: database.execute(query).fetchone()[0] for name, query in COUNTS.items()}
        faults = {
            name: database.execute(query, {"payload": PAYLOAD, "last": LAST}).fetchone()[0]
            for name, query in FAULTS.items()
        }
    log = stage.hub.whole_log()
    dropped = sum(int(count) for count in DROPPED.findall(log))
    surplus = counts["stored"] - publisher.acknowledged()
    receipts = check_receipts(stage, len(killing.done))
    sound = exit_code == 0 and not any(faults.values()) and complete(receipts)
    return {
        "passed": sound and surplus == 0 and len(killing.done) == plan.kills,
        "kills": killing.counts(),
        "published": publisher.acknowledged(),
        **counts,
        "redelivered_and_dropped": dropped,
        "surplus": max(surplus, 0),
        "missing": max(-surplus, 0),
        **faults,
        "receipts": receipts,
        "kill_log": killing.log(),
    }

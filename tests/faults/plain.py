"""The second leg: a plain client publishes old DeepLens payloads at QoS 1; the hub is killed.

A message counts as acknowledged once its PUBACK came; each one acknowledged must be in the store.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from killing import Flight, Killing, wait_until
from paho.mqtt import client as paho
from plan import Plan
from receipts_check import check_receipts, complete
from stage import IN_FLIGHT, Stage
from victim import Victim

THING = "deeplens_HoVip9KQTXiC3UFub47lJA"
TOPIC = f"$aws/things/{THING}/infer"
LARGEST_BURST = 40
RECENT = 3000
DRAIN_S = 120.0
STORED = "SELECT payload FROM messages UNION ALL SELECT payload FROM quarantine"
RECENTLY = """
SELECT * FROM (SELECT payload FROM messages ORDER BY id DESC LIMIT :recent)
UNION ALL SELECT * FROM (SELECT payload FROM quarantine ORDER BY id DESC LIMIT :recent)
"""
ROWS = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM quarantine)"
TABLE = "CREATE TEMP TABLE sent (n INTEGER PRIMARY KEY, payload BLOB UNIQUE)"
FAULTS = {
    "lost": f"SELECT count(*) FROM sent WHERE payload NOT IN ({STORED})",  # noqa: S608 - constants
    "without_event": """
        SELECT count(*) FROM messages m
        WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.message_id = m.id)""",
    "strangers": f"SELECT count(*) FROM ({STORED}) WHERE payload NOT IN (SELECT payload FROM sent)",  # noqa: S608
    "out_of_order": """
        SELECT count(*) FROM (SELECT n - lag(n) OVER (ORDER BY first) AS step FROM
            (SELECT s.n, min(m.id) AS first FROM messages m JOIN sent s USING (payload) GROUP BY s.n))
        WHERE step < 0""",
    "damaged": "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
}
COUNTS = {
    "stored": "SELECT count(*) FROM events",
    "quarantined": "SELECT count(*) FROM quarantine",
    "repeats": f"SELECT count(*) - count(DISTINCT payload) FROM ({STORED})",  # noqa: S608 - constants
}


def write_payload(n: int) -> bytes:
    """Return message number `n`, unlike any other: a record, one of the first version, or unreadable."""
    if n % 20 == 0:
        return b"[%d]" % n
    if n % 3 == 0:
        return json.dumps({f"sign-{n}": 0.8713}).encode()
    objects = [{"index": 0, "object": "thumbs-up", "confidence": 0.93}]
    link = f"https://s3.amazonaws.com/bucket/images/{n}.jpg"
    record = {
        "device_id": "Seattle01",
        "timestamp": "20180816-183152",
        "objects": objects,
        "link_to_img": link,
    }
    return json.dumps(record).encode()


class Publisher(threading.Thread):
    """Publishes in bursts, `rate` messages a second, and knows which were acknowledged.

    It ends once there are `events` of them, but not before `end` was called.
    """

    def __init__(
        self,
        port: int,
        password: str,
        events: int,
        rate: float,
        write: Callable[[int], bytes] = write_payload,
    ) -> None:
        super().__init__(daemon=True)
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, THING, protocol=paho.MQTTv311)
        self._client.username_pw_set(THING, password)
        self._client.max_queued_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._events, self._rate, self._write = events, rate, write
        self._sent: list[tuple[bytes, paho.MQTTMessageInfo]] = []
        self._acknowledged = 0
        self._enough = threading.Event()

    def run(self) -> None:
        """Publish until there is enough."""
        dice = random.Random()  # noqa: S311 - sizes and pauses
        self._client.loop_start()
        next_at = time.monotonic()
        while (done := len(self._sent)) < self._events or not self._enough.is_set():
            size = dice.randint(1, LARGEST_BURST)
            for n in range(done + 1, done + size + 1):
                self._publish(self._write(n))
            next_at += dice.expovariate(self._rate / size)
            time.sleep(max(0.0, next_at - time.monotonic()))

    def _publish(self, payload: bytes) -> None:
        self._sent.append((payload, self._client.publish(TOPIC, payload, qos=1)))

    def acknowledged(self) -> int:
        """Return how many of the messages, counted from the first, are acknowledged."""
        while self._acknowledged < len(self._sent) and self._sent[self._acknowledged][1].is_published():
            self._acknowledged += 1
        return self._acknowledged

    def payloads(self) -> list[bytes]:
        """Return the payloads that are acknowledged."""
        return [payload for payload, _ in self._sent[: self.acknowledged()]]

    def end(self, last: bytes | None = None) -> None:
        """Finish with a last message; return once everything is acknowledged, or raise TimeoutError."""
        self._enough.set()
        self.join(DRAIN_S)
        self._publish(self._write(len(self._sent) + 1) if last is None else last)
        for _, info in self._sent:
            info.wait_for_publish(DRAIN_S)
        self._client.disconnect()
        self._client.loop_stop()


def look(stage: Stage, publisher: Publisher, _role: str, _victim: Victim) -> Flight | None:
    """Return how many acknowledged messages the hub has not committed."""
    acknowledged = publisher.payloads()[-RECENT:]
    if not stage.hub.has_open(stage.database):
        return None
    uri = f"file:{stage.database}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0.2)) as database:
            stored = {row[0] for row in database.execute(RECENTLY, {"recent": RECENT})}
            committed = database.execute(ROWS).fetchone()[0]
    except sqlite3.OperationalError:
        return None  # locked by the one that stands still, or not made yet
    missing = sum(payload not in stored for payload in acknowledged)
    return Flight({"acknowledged by the broker, uncommitted": missing}, committed) if missing else None


def has_stored(stage: Stage, payload: bytes) -> bool:
    """Whether a message is in the store. Once the last one is, those before it are stored or lost."""
    with closing(sqlite3.connect(stage.database, timeout=10)) as database:
        query = f"SELECT count(*) FROM ({STORED}) WHERE payload = ?"  # noqa: S608 - constants
        return bool(database.execute(query, [payload]).fetchone()[0])


def check_plain(stage: Stage, payloads: list[bytes]) -> tuple[dict[str, int], dict[str, int]]:
    """Return counts that tell of the run, and those that all must be 0."""
    with closing(sqlite3.connect(stage.database)) as database:
        database.execute(TABLE)
        database.executemany("INSERT INTO sent VALUES (?, ?)", enumerate(payloads, 1))
        counts = {name: database.execute(query).fetchone()[0] for name, query in COUNTS.items()}
        faults = {name: database.execute(query).fetchone()[0] for name, query in FAULTS.items()}
    return counts, faults


def run_plain(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    stage = Stage(folder, [THING], plan.mutant)
    everyone = [stage.broker, stage.hub]
    try:
        for victim in everyone:
            victim.start()
        wait_until(lambda: "mqtt.connected" in stage.hub.last_words(), "the hub listens", DRAIN_S, everyone)
        publisher = Publisher(stage.port, stage.passwords[THING], plan.events, plan.rate)
        killing = _kill_and_wait(stage, publisher, plan)
        exit_code = stage.hub.stop()
    finally:
        for victim in everyone:
            victim.end()
    return _sum_up(stage, publisher, killing, plan, exit_code)


def _kill_and_wait(stage: Stage, publisher: Publisher, plan: Plan) -> Killing:
    dice = random.Random(plan.seed)  # noqa: S311 - a plan
    hub = {"hub": [stage.hub]}
    seen = partial(look, stage, publisher)
    killing = Killing(hub, plan.kills, plan.together, seen, publisher.acknowledged, plan.events, dice)
    publisher.start()
    killing.run()
    publisher.end()
    everyone = [stage.broker, stage.hub]
    last = publisher.payloads()[-1]
    wait_until(lambda: has_stored(stage, last), "the last message is stored", DRAIN_S, everyone)
    wait_until(stage.delivered, "every plugin has everything", DRAIN_S, everyone)
    return killing


def _sum_up(
    stage: Stage, publisher: Publisher, killing: Killing, plan: Plan, exit_code: int
) -> dict[str, Any]:
    counts, faults = check_plain(stage, publisher.payloads())
    kills = len(killing.done)
    counts["repeats_allowed"] = IN_FLIGHT * kills
    receipts = check_receipts(stage, kills)
    within = kills == plan.kills and counts["repeats"] <= counts["repeats_allowed"]
    return {
        "passed": within and exit_code == 0 and not any(faults.values()) and complete(receipts),
        "kills": killing.counts(),
        "acknowledged": publisher.acknowledged(),
        **counts,
        **faults,
        "receipts": receipts,
        "kill_log": killing.log(),
    }

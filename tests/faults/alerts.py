"""Kills the hub around webhooks: prints a JSON summary, exits with 0 if each alert arrived under one key.

alerts.py --events 300 --kills 10
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from stage import LENSHUB, _free_port
from victim import Victim

from hub.decode.message import Decoded, Message
from hub.event import Detection, NewEvent
from hub.store.arrival import Arrival, Burst
from hub.store.database import upgrade
from hub.store.frames import FrameStore
from hub.store.writer import Writer

DEADLINE_S = 300.0
CONFIG = """\
[hub]
data_dir = "data"
[mqtt]
broker = "mqtt://127.0.0.1:{port}" # nobody is there: all events are stored already
[plugins.alerts]
use = "threshold-alerts"
start = "beginning"
cooldown_s = 0
log = false
concurrency = 8
allow_hosts = ["127.0.0.1"]
[[plugins.alerts.webhooks]]
url = "http://127.0.0.1:{web_port}/one"
[[plugins.alerts.webhooks]]
url = "http://127.0.0.1:{web_port}/two"
"""


class Receiver:
    """Stands in for two services that take webhooks, now and then slowly, or with a failure."""

    def __init__(self, dice: random.Random) -> None:
        self.keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.alerts: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.requests = 0
        self.came = asyncio.Event()
        self._dice = dice

    async def take(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.requests += 1
        self.came.set()
        key = request.headers["Idempotency-Key"]
        what = request.match_info["name"], str(said["alert"])
        chance = self._dice.random()
        if chance < 0.05:
            return web.Response(status=500, headers={"Retry-After": "1"})
        self.keys[what].add(key)
        self.alerts[key].add(what)
        if chance < 0.25:
            await asyncio.sleep(self._dice.uniform(0, 0.2))  # taken, but not yet answered when a kill comes
        return web.Response()


class Run:
    """One run in a folder: a receiver, and a hub that is killed again and again."""

    def __init__(self, folder: Path, events: int, kills: int, dice: random.Random) -> None:
        self._folder = folder
        self._events = events
        self._kills = kills
        self._dice = dice
        self._port = _free_port()
        self._receiver = Receiver(dice)
        self._hub = Victim("hub", [LENSHUB, "run", "-c", str(folder / "hub.toml")], folder / "hub.log", {})

    async def run(self) -> dict[str, Any]:
        """Send, kill, wait until all is settled; return the summary."""
        application = web.Application()
        application.router.add_post("/{name}", self._receiver.take)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        text = CONFIG.format(port=self._port, web_port=runner.addresses[0][1])
        (self._folder / "hub.toml").write_text(text)
        try:
            await self._store()
            await asyncio.to_thread(self._hub.start)
            kills = await self._kill()
            await self._until(self._settled, "all is settled")
        finally:
            await asyncio.to_thread(self._hub.end)
            await runner.cleanup()
        return self._summary(kills)

    async def _store(self) -> None:
        """Store the events before the hub starts: the kills are about what follows."""
        data_dir = self._folder / "data"
        await asyncio.to_thread(upgrade, data_dir)
        writer = await Writer.open(data_dir, FrameStore(data_dir / "frames"))
        writing = asyncio.create_task(writer.run())
        seen = (Detection(label="person", confidence=0.9),)
        now = datetime.now(UTC)
        event = NewEvent(source="mqtt", device="porch", captured_at=now, detections=seen)
        arrival = Arrival(Message("mqtt", "t", b"{}", now), Decoded(events=(event,), device="porch"))
        writer.add(Burst((arrival,) * self._events, lambda _: None))
        writer.close()
        await writing

    async def _kill(self) -> int:
        kills = 0
        while kills < self._kills and not self._settled():
            self._receiver.came.clear()
            await self._until(lambda: self._receiver.came.is_set() or self._settled(), "a webhook comes")
            await asyncio.sleep(self._dice.uniform(0, 0.1))
            await asyncio.to_thread(self._hub.kill)
            kills += 1
            await asyncio.to_thread(self._hub.start)
        return kills

    def _settled(self) -> bool:
        query = (
            "SELECT (SELECT count(*) FROM events), (SELECT max(id) FROM events) <= min(position), "
            "(SELECT count(*) FROM deliveries WHERE outcome IN ('running', 'retrying')) FROM cursors"
        )
        with closing(sqlite3.connect(self._folder / "data/hub.sqlite", timeout=30)) as store:
            stored, passed, left = store.execute(query).fetchone()
        return bool(stored == self._events and passed and left == 0)

    async def _until(self, condition: Any, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not yet: {what}; {self._hub.last_words()}")
            self._hub.check()
            await asyncio.sleep(0.02)

    def _summary(self, kills: int) -> dict[str, Any]:
        receiver = self._receiver
        expected = {(name, str(number)) for name in ("one", "two") for number in range(1, self._events + 1)}
        with closing(sqlite3.connect(self._folder / "data/hub.sqlite")) as store:
            rows = store.execute("SELECT outcome, count(*) FROM deliveries GROUP BY outcome").fetchall()
        faults = {
            "lost": len(expected - receiver.keys.keys()),
            "strange": len(receiver.keys.keys() - expected),
            "with_several_keys": sum(len(keys) > 1 for keys in receiver.keys.values()),
            "keys_of_several": sum(len(alerts) > 1 for alerts in receiver.alerts.values()),
            "not_done": sum(count for outcome, count in rows if outcome != "done"),
        }
        repeats = receiver.requests - len(receiver.keys)
        return {
            "passed": not any(faults.values()) and kills == self._kills,
            "kills": kills,
            "alerts": self._events,
            "keys": len(receiver.alerts),
            "requests": receiver.requests,
            "failed_or_repeated": repeats,
            **faults,
        }


def main() -> int:
    """Run, print the summary, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        dice = random.Random(arguments.seed)  # noqa: S311 - a plan
        summary = asyncio.run(Run(folder, arguments.events, arguments.kills, dice).run())
    sys.stdout.write(json.dumps(summary, indent=1) + "\n")
    return 0 if summary["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())

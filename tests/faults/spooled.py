"""The first leg: agents with their real spool and link; hub, agents and broker are killed."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from killing import Flight, Killing, wait_until
from plan import Plan
from receipts_check import check_receipts, complete
from spooled_check import check_spooled
from stage import Stage
from victim import Victim

DEVICES = ["door", "hall"]
DRAIN_S = 240.0


class Spools:
    """Looks into the agents' spools and lists from outside.

    A database is opened only for a moment and only while its owner has it open: a reader that stayed would
    keep a killed owner from having to recover it.
    """

    def __init__(self, stage: Stage, agents: dict[str, Victim]) -> None:
        self._stage = stage
        self._agents = agents
        self._lists = {device: stage.agent_folder(device) / "made.jsonl" for device in agents}
        self._read = dict.fromkeys(agents, 0)
        self._made = 0

    def made(self) -> int:
        """Return how many records were listed so far."""
        for device, path in self._lists.items():
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._read[device])
                    news = file.read().rpartition(b"\n")[0]
                self._made += news.count(b'{"made"')
                self._read[device] += len(news)
        return self._made

    def end(self) -> None:
        """Let the generators end."""
        for device in self._agents:
            (self._stage.agent_folder(device) / "enough").touch()

    def ended(self) -> bool:
        """Whether all generators have ended."""
        return all(path.read_bytes().endswith(b'{"end": true}\n') for path in self._lists.values())

    def look(self, role: str, victim: Victim) -> Flight | None:
        """Return how many spooled records the hub has not acknowledged, and for the hub not committed."""
        try:
            ends = [end for device in self._agents for end in self._epochs(device)]
            committed = self._committed()
        except sqlite3.OperationalError:
            return None  # locked by the one that stands still, or not made yet
        waiting = sum(following - 1 - acked for _, _, following, acked in ends)
        if committed is None:
            return Flight({"unacknowledged": waiting}, None) if waiting and role != "hub" else None
        behind = sum(following - 1 - committed.get((device, name), 0) for device, name, following, _ in ends)
        own = sum(seq for (device, _), seq in committed.items() if victim.name in (device, role))
        if not (behind if role == "hub" else waiting):
            return None
        return Flight({"unacknowledged": waiting, "uncommitted": behind}, own)

    def empty(self) -> bool:
        """Whether the hub has acknowledged everything in every spool."""
        spools = [self._epochs(device) for device in self._agents]
        return all(spools) and all(
            following - 1 == acked for spool in spools for *_, following, acked in spool
        )

    def _epochs(self, device: str) -> list[tuple[str, str, int, int]]:
        path = self._stage.agent_folder(device) / "spool.db"
        if not self._agents[device].has_open(path):
            return []
        with closing(_open(path)) as spool:
            return spool.execute("SELECT ?, name, next, acked FROM epochs", [device]).fetchall()

    def _committed(self) -> dict[tuple[str, str], int] | None:
        if not self._stage.hub.has_open(self._stage.database):
            return None
        with closing(_open(self._stage.database)) as database:
            found = database.execute("SELECT device, epoch, committed FROM epochs").fetchall()
        return {(device, epoch): seq for device, epoch, seq in found}


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=0.2)


def run_spooled(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    stage = Stage(folder, DEVICES, plan.mutant)
    each = -(-plan.events // len(DEVICES))
    agents = {device: stage.agent(device, each, plan.rate / len(DEVICES)) for device in DEVICES}
    everyone = [stage.broker, stage.hub, *agents.values()]
    try:
        for victim in everyone:
            victim.start()
        killing = _kill_and_wait(stage, agents, plan)
        exit_code = stage.hub.stop()
    finally:
        for victim in everyone:
            victim.end()
    return _sum_up(stage, killing, plan, exit_code)


def _kill_and_wait(stage: Stage, agents: dict[str, Victim], plan: Plan) -> Killing:
    spools = Spools(stage, agents)
    victims = {"hub": [stage.hub], "agent": list(agents.values()), "broker": [stage.broker]}
    chosen = {role: victims[role] for role in plan.roles}
    dice = random.Random(plan.seed)  # noqa: S311 - a plan
    killing = Killing(chosen, plan.kills, plan.together, spools.look, spools.made, plan.events, dice)
    killing.run()
    everyone = [stage.broker, stage.hub, *agents.values()]
    spools.end()
    wait_until(spools.ended, "all records are made", DRAIN_S, everyone)
    wait_until(spools.empty, "every spool is empty", DRAIN_S, everyone)
    wait_until(stage.delivered, "every plugin has everything", DRAIN_S, everyone)
    return killing


def _sum_up(stage: Stage, killing: Killing, plan: Plan, exit_code: int) -> dict[str, Any]:
    counts, faults = check_spooled(stage)
    receipts = check_receipts(stage, killing.counts().get("hub", 0))
    as_planned = set(killing.counts().values()) == {plan.kills} and counts["listed"] >= plan.events
    return {
        "passed": as_planned and exit_code == 0 and not any(faults.values()) and complete(receipts),
        "kills": killing.counts(),
        **counts,
        **faults,
        "receipts": receipts,
        "kill_log": killing.log(),
    }

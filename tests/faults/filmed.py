"""The leg with a camera: the real agent and its model on the demo's clip, while the broker comes and goes."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from filmed_check import check_filmed
from killing import wait_until
from outages import OutagePlan, Outages
from receipts_check import check_receipts, complete
from stage import Stage
from victim import Victim

from edge.spool_status import read_status
from hub.demo.clips import CLIPS

CLIP = CLIPS["thumbs-up"]
DEVICE = "door"
EVERY = 2  # of the clip's ten frames a second
START_S = 60.0
DRAIN_S = 240.0  # the agent and the hub try again every 15 and 30 s at most
EDGE = str(Path(sys.executable).parent / "lenshub-edge")
AGENT = """\
[agent]
device = "{device}"
spool = "{spool}"
[broker]
url = "mqtt://127.0.0.1:{port}"
username = "{device}"
password_env = "AGENT_PASSWORD"
protocol = "{protocol}"
[camera]
source = "{clip}"
every = {every}
passes = {passes}
"""


def run_filmed(folder: Path, plan: OutagePlan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    stage = Stage(folder, [DEVICE], None)
    agent, spool = _camera(stage, math.ceil(plan.seconds / CLIP.seconds()) + 1, plan.protocol)
    everyone = [stage.broker, stage.hub, agent]
    outages = Outages(stage.broker, [stage.hub, agent], plan, lambda: read_status(spool).waiting)
    try:
        for victim in everyone:
            victim.start()
        wait_until(lambda: _stored(stage) > 0, "the first event is stored", START_S, everyone)
        outages.run()
        ended = time.monotonic()
        code = agent.wait(2 * CLIP.seconds() + DRAIN_S)  # it ends once all is with the hub
        went_on_s = time.monotonic() - ended
        wait_until(stage.delivered, "every plugin has everything", DRAIN_S, [stage.broker, stage.hub])
        codes = (code, stage.hub.stop())
    finally:
        for victim in everyone:
            victim.end()
    return _sum_up(stage, outages, agent, spool, {"after_the_last_outage_s": round(went_on_s, 1)}, codes)


def _camera(stage: Stage, passes: int, protocol: str) -> tuple[Victim, Path]:
    """Return the agent, not started, and its spool."""
    folder = stage.agent_folder(DEVICE)
    folder.mkdir()
    spool = folder / "spool.db"
    config = AGENT.format(
        device=DEVICE,
        spool=spool,
        port=stage.port,
        clip=CLIP.path,
        every=EVERY,
        passes=passes,
        protocol=protocol,
    )
    (folder / "agent.toml").write_text(config)
    command = [EDGE, "run", "--config", str(folder / "agent.toml"), "--until-sent", "--json"]
    env = {"AGENT_PASSWORD": stage.passwords[DEVICE]}
    return Victim("agent", command, folder / "agent.log", env), spool


def _stored(stage: Stage) -> int:
    if not stage.hub.has_open(stage.database):
        return 0
    with closing(sqlite3.connect(stage.database, timeout=10)) as database:
        exists = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'events'").fetchone()[0]
        return int(database.execute("SELECT count(*) FROM events").fetchone()[0]) if exists else 0


def _sum_up(
    stage: Stage, outages: Outages, agent: Victim, spool: Path, took: dict[str, float], codes: tuple[int, int]
) -> dict[str, Any]:
    said = json.loads(agent.last_words().splitlines()[-1])
    counts, faults = check_filmed(stage, DEVICE, spool, said["events"])
    receipts = check_receipts(stage, 0)
    well = codes == (0, 0) and bool(counts["stored"]) and not any(faults.values())
    return {
        "passed": well and complete(receipts) and bool(outages.done),
        "outages": dict(Counter(one.how for one in outages.done)),
        "away_s": round(sum(one.lasted_s for one in outages.done), 1),
        "most_waiting": max((one.waiting for one in outages.done), default=0),
        **took,
        "frames": said["frames"],
        **counts,
        **faults,
        "receipts": receipts,
        "outage_log": outages.log(),
    }

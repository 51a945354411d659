"""A leg around effects: every event is tweeted, and the hub is killed while tweets are under way.

No event may be tweeted twice, and each is either done and tweeted, or listed as unknown.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from effects import SPARE, run_around
from plan import Plan
from slow_x import SlowX

PLUGIN = """
[plugins.tweet]
live = true
start = "beginning"
template = "{event_id}"
cooldown_s = 0
max_per_hour = 10000
budget_usd_per_month = 1000000
late_after_s = 864000
attempts = 1000
api_url = "{url}"
"""
LOST_TO_A_KILL = 4
"""Tweets that X may never see because of a kill: as many as are under way at a time."""
LEFT_BEGUN = "SELECT count(*) FROM effects WHERE plugin = 'tweet' AND state = 'begun'"


def run_tweeted(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    x = SlowX()
    run = run_around(folder, plan, x, "tweet", PLUGIN, spare=SPARE + LOST_TO_A_KILL * plan.kills)
    texts, done, unknown = x.texts(), run.with_outcome("done"), run.with_outcome("unknown")
    with closing(sqlite3.connect(run.stage.database)) as database:
        left_begun = database.execute(LEFT_BEGUN).fetchone()[0]
    faults = {
        "twice": sum(count > 1 for count in texts.values()),
        "done_but_not_tweeted": sum(not texts[str(event)] for event in done),
        "neither_done_nor_unknown": len(run.outcomes) - len(done) - len(unknown),
        "not_in_the_ledger": abs(left_begun - len(unknown)),
    }
    return {
        "passed": run.passed(plan) and not any(faults.values()),
        "kills": run.killing.counts(),
        "events": len(run.outcomes),
        "tweets": texts.total(),
        "done": len(done),
        "unknown": len(unknown),
        "unknown_but_tweeted": sum(texts[str(event)] for event in unknown),
        **faults,
        "unknown_events": unknown,
        "kill_log": run.killing.log(),
    }

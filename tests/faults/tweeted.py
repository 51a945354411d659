"""The fourth leg: every event is tweeted, and the hub is killed while tweets are under way.

No event may be tweeted twice, and each is either done and tweeted, or listed as unknown.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from killing import Flight, Killing, wait_until
from plain import DRAIN_S, THING, Publisher, has_stored
from plan import Plan
from slow_x import SlowX
from stage import Stage
from victim import Victim

SETTLE_S = 240.0  # more events come in while the hub is down than it tweets in a moment
PLUGIN = """
[plugins.tweet]
live = true
start = "beginning"
template = "{{event_id}}"
cooldown_s = 0
max_per_hour = 10000
budget_usd_per_month = 1000000
late_after_s = 864000
attempts = 1000
api_url = "{url}"
"""
LEFT_BEGUN = "SELECT count(*) FROM effects WHERE plugin = 'tweet' AND state = 'begun'"
OPEN = """
SELECT (SELECT max(id) FROM events) > min(position) FROM cursors WHERE plugin = 'tweet' UNION ALL
SELECT count(*) > 0 FROM deliveries WHERE plugin = 'tweet' AND outcome IN ('running', 'retrying')
"""
OUTCOMES = """
SELECT e.id, coalesce(d.outcome, 'none') FROM events e
LEFT JOIN deliveries d ON d.event_id = e.id AND d.plugin = 'tweet'
"""


def write_payload(n: int) -> bytes:
    """Return message number `n`: one detection."""
    return json.dumps({f"sign-{n}": 0.93}).encode()


def look(x: SlowX, _role: str, _victim: Victim) -> Flight | None:
    """Return how many posts are asked for and not answered, so that nobody knows their end."""
    under_way = x.under_way()
    return Flight({"tweets under way": under_way}, x.posts().total()) if under_way else None


def count_tweets(x: SlowX, stage: Stage, killing: Killing) -> int:
    """Return how many tweets there are, or 0 while the hub starts: made to stand still it never would."""
    starting = stage.hub.whole_log().count("plugin.running tweet") <= len(killing.done)
    return 0 if starting else x.posts().total()


def is_settled(stage: Stage) -> bool:
    """Whether every event has its outcome."""
    with closing(sqlite3.connect(stage.database, timeout=10)) as database:
        return not any(row[0] for row in database.execute(OPEN))


def run_tweeted(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    with SlowX() as x:
        stage = Stage(folder, [THING], plan.mutant)
        with (folder / "hub.toml").open("a") as config:
            config.write(PLUGIN.format(url=x.url))
        everyone = [stage.broker, stage.hub]
        try:
            for victim in everyone:
                victim.start()
            wait_until(
                lambda: "mqtt.connected" in stage.hub.last_words(), "the hub listens", DRAIN_S, everyone
            )
            killing = _kill_and_wait(x, stage, plan)
            exit_code = stage.hub.stop()
        finally:
            for victim in everyone:
                victim.end()
        return _sum_up(stage, x.posts(), killing, plan, exit_code)


def _kill_and_wait(x: SlowX, stage: Stage, plan: Plan) -> Killing:
    publisher = Publisher(stage.port, stage.passwords[THING], plan.events, plan.rate, write_payload)
    dice = random.Random(plan.seed)  # noqa: S311 - a plan
    hub, seen = {"hub": [stage.hub]}, partial(look, x)
    killing = Killing(hub, plan.kills, plan.together, seen, lambda: 0, plan.events, dice)
    killing.progress = partial(count_tweets, x, stage, killing)
    publisher.start()
    killing.run()
    publisher.end()
    everyone = [stage.broker, stage.hub]
    last = publisher.payloads()[-1]
    wait_until(lambda: has_stored(stage, last), "the last message is stored", DRAIN_S, everyone)
    wait_until(lambda: is_settled(stage), "every event has its outcome", SETTLE_S, everyone)
    return killing


def _sum_up(
    stage: Stage, posts: Counter[str], killing: Killing, plan: Plan, exit_code: int
) -> dict[str, Any]:
    with closing(sqlite3.connect(stage.database)) as database:
        outcomes = dict(database.execute(OUTCOMES).fetchall())
        left_begun = database.execute(LEFT_BEGUN).fetchone()[0]
    unknown = [event for event, outcome in outcomes.items() if outcome == "unknown"]
    done = [event for event, outcome in outcomes.items() if outcome == "done"]
    faults = {
        "twice": sum(count > 1 for count in posts.values()),
        "done_but_not_tweeted": sum(not posts[str(event)] for event in done),
        "neither_done_nor_unknown": len(outcomes) - len(done) - len(unknown),
        "not_in_the_ledger": abs(left_begun - len(unknown)),
    }
    return {
        "passed": len(killing.done) == plan.kills and exit_code == 0 and not any(faults.values()),
        "kills": killing.counts(),
        "events": len(outcomes),
        "tweets": posts.total(),
        "done": len(done),
        "unknown": len(unknown),
        "unknown_but_tweeted": sum(posts[str(event)] for event in unknown),
        **faults,
        "unknown_events": unknown,
        "kill_log": killing.log(),
    }

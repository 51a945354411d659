"""A leg around effects: every event is an alert to two webhooks, and the hub is killed while it posts them.

Each alert must come to each of them, whenever it comes under one key, which no other alert has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from effects import run_around
from plan import Plan
from slow_webhooks import NAMES, SlowWebhooks

PLUGIN = """
[plugins.alerts]
use = "threshold-alerts"
start = "beginning"
cooldown_s = 0
log = false
concurrency = 8
attempts = 1000
allow_hosts = ["127.0.0.1"]
""" + "".join(f'[[plugins.alerts.webhooks]]\nurl = "{{url}}/{name}"\n' for name in NAMES)


def run_alerted(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the leg and return its summary; `passed` says whether all is well."""
    webhooks = SlowWebhooks()
    run = run_around(folder, plan, webhooks, "alerts", PLUGIN)
    expected = {(name, str(event)) for name in NAMES for event in run.outcomes}
    came = webhooks.keys.keys()
    faults = {
        "lost": len(expected - came),
        "strange": len(came - expected),
        "with_several_keys": sum(len(keys) > 1 for keys in webhooks.keys.values()),
        "keys_of_several": sum(len(alerts) > 1 for alerts in webhooks.alerts.values()),
        "not_done": len(run.outcomes) - len(run.with_outcome("done")),
    }
    return {
        "passed": run.passed(plan) and not any(faults.values()),
        "kills": run.killing.counts(),
        "alerts": len(run.outcomes),
        "keys": len(webhooks.alerts),
        "requests": webhooks.requests,
        "failed_or_repeated": webhooks.requests - len(webhooks.keys),
        **faults,
        "kill_log": run.killing.log(),
    }

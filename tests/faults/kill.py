"""The kill test as a program: prints a JSON summary and exits with 0 only if nothing was lost.

kill.py --events 50000 --kills 12            agents with a spool; kills hub, agents and broker
kill.py --leg plain --events 10000           plain QoS 1 clients; kills the hub
kill.py --leg identical --events 20000 --kills 40 --rate 100
                                             plain clients that say the same again and again; kills the hub
kill.py --leg archived --events 1700 --kills 170
                                             every event is archived to a local S3 server; kills the hub
kill.py --leg tweeted --events 1700 --kills 170
                                             every event is tweeted to a stand-in for X; kills the hub
kill.py --leg alerted --events 1700 --kills 170
                                             every event is posted to two webhooks; kills the hub
kill.py --mutant ack-before-commit --roles hub ...      must fail
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from alerted import run_alerted
from archived import run_archived
from identical import run_identical
from plain import run_plain
from plan import Plan
from spooled import run_spooled
from tweeted import run_tweeted

MUTANTS = (
    "ack-before-commit",
    "puback-on-arrival",
    "admission-off",
    "repeats-kept",
    "repeats-by-content",
    "ledger-off",
    "keys-anew",
    "objects-later",
    "slow",
)
ROLES = ("hub", "agent", "broker")
LEGS = {
    "spooled": run_spooled,
    "plain": run_plain,
    "identical": run_identical,
    "archived": run_archived,
    "tweeted": run_tweeted,
    "alerted": run_alerted,
}


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leg", choices=LEGS, default="spooled")
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=2, help="of each role (of most legs only the hub)")
    parser.add_argument("--together", type=float, default=0.4, help="share of kills on top of another")
    parser.add_argument("--rate", type=float, default=400, help="events a second, where they are published")
    parser.add_argument("--seed", type=int, help="of whom to kill and when; default: random")
    parser.add_argument("--roles", nargs="+", choices=ROLES)
    parser.add_argument("--mutant", choices=MUTANTS, help="break a promise of the hub")
    parser.add_argument(
        "--folder", type=Path, help="an empty folder to work in, kept; default: one that goes"
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run a leg in a folder and return its summary."""
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed  # noqa: S311 - a plan
    plan = Plan(
        arguments.events,
        arguments.rate,
        arguments.kills,
        arguments.together,
        arguments.roles or ROLES,
        seed,
        arguments.mutant,
    )
    began = time.monotonic()
    summary = LEGS[arguments.leg](folder, plan)
    took_s = round(time.monotonic() - began, 1)
    return {"leg": arguments.leg, "mutant": arguments.mutant, "seed": seed, "took_s": took_s, **summary}


def main() -> int:
    """Run, print the summary, and return the exit code."""
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    if arguments.folder is not None:
        summary = run(arguments, arguments.folder.resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # Mosquitto, started as root, becomes a user of its own
            summary = run(arguments, Path(folder).resolve())
    sys.stdout.write(json.dumps(summary, indent=1) + "\n")
    return 0 if summary["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())

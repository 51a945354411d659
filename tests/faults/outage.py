"""The endurance run as a program: the broker is stopped, killed, hung and started again at random under a
hub and a camera agent. Prints a summary and exits with 0 only if nothing was lost.

outage.py                                  half an hour
outage.py --minutes 0.4 --longest-s 3      a small one
outage.py --seed 7 --json                  that plan again, for programs
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

from filmed import run_filmed
from outages import OutagePlan
from rich.console import Console
from rich.table import Table


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30, help="in which there are outages")
    parser.add_argument("--shortest-s", type=float, default=2, help="of an outage, and between two")
    parser.add_argument("--longest-s", type=float, default=40)
    parser.add_argument("--seed", type=int, help="of the outages; default: random")
    parser.add_argument("--protocol", choices=("5", "3.1.1"), default="5", help="that the agent speaks")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--folder", type=Path, help="an empty folder to work in, kept; default: one that goes"
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run in a folder and return the summary."""
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed  # noqa: S311 - a plan
    shortest_s = min(arguments.shortest_s, arguments.longest_s)
    plan = OutagePlan(arguments.minutes * 60, shortest_s, arguments.longest_s, seed, arguments.protocol)
    began = time.monotonic()
    summary = run_filmed(folder, plan)
    return {"seed": seed, "protocol": plan.protocol, "took_s": round(time.monotonic() - began, 1), **summary}


def show(summary: dict[str, Any]) -> None:
    """Print the outages and the table."""
    console = Console(soft_wrap=True, highlight=False)
    for line in summary["outage_log"]:
        console.print(line)
    table = Table("", "", show_header=False)
    for name, value in summary.items():
        if not isinstance(value, list | dict):
            table.add_row(name.replace("_", " "), str(value))
    for how, count in summary["outages"].items():
        table.add_row(f"broker {how}", str(count))
    for plugin, receipts in summary["receipts"].items():
        table.add_row(f"delivered to {plugin}", f"{receipts['receipts']} ({receipts['missing']} missing)")
    console.print(table)


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
    if arguments.json:
        sys.stdout.write(json.dumps(summary, indent=1) + "\n")
    else:
        show(summary)
    return 0 if summary["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())

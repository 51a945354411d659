"""S3 notifications as a program: direct, by SNS and by EventBridge, with duplicates and poison, through the
SQS and S3 of moto into the real hub. Prints a table and exits with 0 only if every good picture is one event
and was paid for once, and all else was refused for its own reason.

notified.py                                        a thousand
notified.py --messages 200 --json                  fewer, for programs
notified.py --poison leave                         what cannot be read goes to the dead-letter queue
notified.py --kills 5                              and the hub is killed meanwhile: what it was at may be
                                                   refused or paid for once more, never stored
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from notified_run import Found, run_notified
from notified_said import make_said
from rich.console import Console
from rich.table import Table


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1000, help="in the queue, duplicates and poison too")
    parser.add_argument("--duplicates", type=float, default=0.15, help="share of the messages")
    parser.add_argument("--poison", choices=("quarantine", "leave"), default="quarantine")
    parser.add_argument("--kills", type=int, default=0, help="of the hub, with kill -9")
    parser.add_argument("--seed", type=int, help="of what is sent in which order; default: random")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


def show(found: Found) -> None:
    """Print the table."""
    table = Table("", "expected", "found")
    for name, (expected, seen) in found.counts.items():
        table.add_row(name, str(expected), str(seen), style="" if expected == seen else "yellow")
    console = Console(width=120, highlight=False)
    console.print(table)
    for wrong in found.wrong:
        console.print(wrong, style="red")
    console.print(f"seed {found.seed}, {found.took_s:g} s")


def main() -> int:
    """Run, print, and return the exit code."""
    arguments = read_arguments()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed  # noqa: S311 - a plan
    said = make_said(arguments.messages, arguments.duplicates, seed)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Mosquitto, started as root, becomes a user of its own
        found = asyncio.run(run_notified(Path(folder), said, arguments.poison, arguments.kills, seed))
    if arguments.json:
        sys.stdout.write(json.dumps({"passed": not found.wrong, **asdict(found)}, indent=1) + "\n")
    else:
        show(found)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

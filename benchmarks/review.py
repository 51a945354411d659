"""How long each operation of the review desk takes, beside a bare commit of SQLite on the same disk."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from support.month import fill
from support.report import describe_machine
from support.review_speed import capture, describe_operations, measure_operations


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="in the store, two detections each")
    parser.add_argument("--captures", type=int, default=10_000, help="of them, waiting for review")
    parser.add_argument("--runs", type=int, default=200, help="of each operation")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser.parse_args()


def main() -> None:
    """Fill a store, measure and print."""
    asked = read_arguments()
    machine = describe_machine()
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        data_dir = Path(made)
        fill(data_dir, asked.events)
        capture(data_dir, asked.events, asked.captures)
        found = asyncio.run(measure_operations(data_dir, asked.captures, asked.runs))
    say(describe_operations(found, asked.events, asked.captures))
    if asked.json:
        print(json.dumps({"machine": machine, "operations": [asdict(one) for one in found]}))


if __name__ == "__main__":
    main()

"""How long import, export, check and conversion of a training set take."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from support.dataset_speed import describe_sets, measure_sets
from support.report import describe_machine


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000, help="in the set")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    asked = read_arguments()
    machine = describe_machine()
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        found = asyncio.run(measure_sets(Path(made), asked.pictures))
    say(describe_sets(found))
    if asked.json:
        print(json.dumps({"machine": machine, "datasets": [asdict(one) for one in found]}))


if __name__ == "__main__":
    main()

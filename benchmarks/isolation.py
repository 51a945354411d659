"""How many events a second a plugin in a process of its own takes, beside one in the hub."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from support.isolation_speed import describe_speed, measure_speed
from support.report import describe_machine


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="delivered in each run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind, in turn")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    asked = read_arguments()
    machine = describe_machine()
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        speed = measure_speed(Path(made), asked.events, asked.runs)
    say(describe_speed(speed))
    if asked.json:
        print(json.dumps({"machine": machine, "isolation": asdict(speed)}))


if __name__ == "__main__":
    main()

"""How long `lenshub report` takes over a month of events, and how much memory."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from support.month import fill
from support.report import describe_machine
from support.reporting import ASKED, describe_reports, measure_reports

from hub.store.database import upgrade


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="in the store, two detections each")
    parser.add_argument("--runs", type=int, default=3, help="of each report; the table has the median")
    parser.add_argument("--only", choices=ASKED, help="this report alone")
    parser.add_argument("--keep", type=Path, help="a folder to make the store in, or in which it is already")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser.parse_args()


def main() -> None:
    """Fill a store, measure and print."""
    asked = read_arguments()
    machine = describe_machine()
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        folder = asked.keep or Path(made)
        if not (folder / "lenshub-data").exists():
            fill(folder / "lenshub-data", asked.events)
        upgrade(folder / "lenshub-data")
        found = measure_reports(folder, asked.runs, [asked.only] if asked.only else list(ASKED))
    say(describe_reports(found, asked.events))
    if asked.json:
        print(json.dumps({"machine": machine, "reports": [asdict(one) for one in found]}))


if __name__ == "__main__":
    main()

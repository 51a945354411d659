"""How many pictures a second come from SQS into the store, with a classifier that answers in 50 ms, beside
what that classifier allows; and the hub's memory meanwhile. docs/numbers.md quotes it.

images.py                                        8 and 16 at a time
images.py --images 10000 --concurrency 8         and look at the memory over 10,000
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from support.image_intake import Intake, measure_intake
from support.report import describe_machine, tabulate

MARKS = (500, 1000, 2000, 4000, 6000, 8000, 10_000, 20_000, 30_000, 40_000, 50_000)


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2000, help="of each run")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 16], help="a run for each")
    parser.add_argument("--json", action="store_true", help="one JSON object; the tables go to stderr")
    return parser.parse_args()


def describe(runs: list[Intake]) -> str:
    """Return the tables."""
    heads = ("at a time", "pictures", "events", "paid calls", "hub, /s", "allowed, /s", "ratio", "CPU, ms")
    rows = [
        (
            run.concurrency,
            f"{run.images:,}",
            f"{run.events:,}",
            f"{run.calls:,}",
            f"{run.hub_per_s:.1f}",
            f"{run.bare_per_s:.1f}",
            f"{run.ratio:.2f}",
            f"{run.cpu_ms:.1f}",
        )
        for run in runs
    ]
    memory = [(run.concurrency, f"{count:,}", f"{mb:.0f}") for run in runs for count, mb in run.memory_mb]
    return f"""\
Pictures of 480 x 360 from a local SQS and S3 to committed, each asked about for 50 ms at a price.
`allowed`: so many askers a second who do nothing but wait for answers. `CPU`: of the hub, a picture.

{tabulate(heads, rows)}

{tabulate(("at a time", "committed", "resident, MB"), memory)}
"""


def main() -> None:
    """Run, and print the tables."""
    asked = read_arguments()
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    machine = describe_machine()
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        runs = [
            measure_intake(Path(made) / str(number), asked.images, concurrency, MARKS)
            for number, concurrency in enumerate(asked.concurrency)
        ]
    say(describe(runs))
    if asked.json:
        found = [asdict(run) | {"ratio": run.ratio} for run in runs]
        print(json.dumps({"machine": machine, "images": {"runs": found}}))


if __name__ == "__main__":
    main()

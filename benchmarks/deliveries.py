"""How many deliveries a second real plugins settle, and what a hanging one does to the others."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median

from support.delivery_run import DeliveryRun, run_deliveries
from support.report import describe_machine, tabulate

PLUGINS = ("s3", "folder", "webhook", "mqtt")


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500, help="deliveries a second, all plugins together")
    parser.add_argument("--seconds", type=float, default=30, help="of each run")
    parser.add_argument("--pairs", type=int, default=3, help="runs without and with a hanging plugin")
    parser.add_argument(
        "--plugins", nargs="+", choices=PLUGINS, default=PLUGINS, help="which are delivered to"
    )
    parser.add_argument("--pictures", action="store_true", help="each event has a picture of 640 x 360")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the tables go to stderr")
    return parser.parse_args()


def describe_runs(runs: Sequence[DeliveryRun]) -> str:
    """Return the table of what was settled."""
    heads = (
        "hanging",
        "asked, /s",
        "events",
        "settled, /s",
        "behind, s",
        "CPU, cores",
        "outcomes",
        "received",
    )
    rows = [
        (
            "yes" if run.hanging else "no",
            f"{run.deliveries_per_s:,.0f}",
            run.events,
            f"{run.settled_per_s:,.0f}",
            f"{run.behind_s:.2f}",
            f"{run.cpu_share:.2f}",
            _listed(run.outcomes),
            _listed(run.received),
        )
        for run in runs
    ]
    return f"""\
Deliveries: events published at an even rate, until every plugin has settled every one of them.
`behind`: from the last event to the last settlement. `CPU`: of the hub, all threads.

{tabulate(heads, rows)}
"""


def describe_hanging(ratios: dict[str, float], runs: Sequence[DeliveryRun]) -> str:
    """Return the table of how soon each plugin settled, without and with one that hangs."""
    rows = []
    for name, ratio in ratios.items():
        cells = [f"{p99_of(runs, name, hanging=hanging):,.0f}" for hanging in (False, True)]
        rows.append((name, *cells, f"{ratio:.2f}"))
    return f"""\
From leaving the device to settled, p99 in ms, median of the runs; beside a plugin that never answers:

{tabulate(("plugin", "alone", "beside it", "ratio"), rows)}
"""


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def p99_of(runs: Sequence[DeliveryRun], name: str, *, hanging: bool) -> float:
    """Return the median of a plugin's p99 over the runs of one kind, in ms."""
    chosen = [plugin for run in runs if run.hanging == hanging for plugin in run.plugins]
    return median(plugin.p99_ms for plugin in chosen if plugin.plugin == name)


def main() -> None:
    """Run pairs, and print the tables."""
    asked = read_arguments()
    names = tuple(asked.plugins)
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    machine = describe_machine()
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + "\n")
    runs: list[DeliveryRun] = []
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        for number in range(2 * asked.pairs):
            run = partial(run_deliveries, Path(made) / f"run-{number}", names, asked.rate, asked.seconds)
            runs.append(run(hanging=bool(number % 2), pictures=asked.pictures))
    say(describe_runs(runs))
    ratios = {name: p99_of(runs, name, hanging=True) / p99_of(runs, name, hanging=False) for name in names}
    say(describe_hanging(ratios, runs))
    if asked.json:
        print(json.dumps({"machine": machine, "runs": [asdict(run) for run in runs], "ratios": ratios}))


if __name__ == "__main__":
    main()

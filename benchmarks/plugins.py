"""What plugins cost the hub; docs/numbers.md quotes it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from support.filters import INSTANCES, Filters, measure_filters
from support.report import describe_machine, tabulate

PARTS = ("filters",)
QUICK = {"messages": 3000, "runs": 1}


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=30_000, help="filters: backlog of each run")
    parser.add_argument("--runs", type=int, default=5, help="filters: pairs of runs")
    parser.add_argument("--quick", action="store_true", help="a minute's worth of smaller numbers")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part (may be repeated)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the tables go to stderr")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)  # numbers given beside --quick still count
    return parser.parse_args()


def describe_filters(found: Sequence[Filters]) -> str:
    """Return the table of pairs for each arrangement."""
    heads = ("pair", "without, events/s", "with", "with / without", "without, CPU us", "with", "left out")
    title = f"the same backlog with 4 plugins that do nothing, and with {INSTANCES} more that want no event"
    parts = [f"Filters: {title}.\n"]
    for at in found:
        rows = [
            (
                number,
                f"{pair.without_per_s:,.0f}",
                f"{pair.with_per_s:,.0f}",
                f"{pair.ratio:.2f}",
                f"{pair.without_cpu_us:.0f}",
                f"{pair.with_cpu_us:.0f}",
                f"{pair.filtered:,}",
            )
            for number, pair in enumerate(at.pairs, 1)
        ]
        parts.append(f"{at.arrangement}\n{tabulate(heads, rows)}\nmedian: {at.median_ratio:.2f}\n")
    return "\n".join(parts)


def main() -> None:
    """Measure what was asked for and print each part as it is ready."""
    asked = read_arguments()
    parts = asked.only or PARTS
    results: dict[str, Any] = {"machine": describe_machine()}
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in results["machine"].items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        if "filters" in parts:
            filters = measure_filters(Path(made), asked.messages, asked.runs)
            results["filters"] = [asdict(at) for at in filters]
            say(describe_filters(filters))
    if asked.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

"""How fast, how soon and in how much memory the hub takes events in over MQTT; docs/numbers.md quotes it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from support.latency import measure_latency
from support.memory import measure_memory
from support.report import describe_latencies, describe_machine, describe_memory, describe_throughput
from support.throughput import measure_throughput

PARTS = ("throughput", "latency", "memory")
RATES_PER_S = (100, 1000)
QUICK = {"messages": 3000, "runs": 1, "burst": 5000, "seconds": 2.0}


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=30_000, help="throughput: backlog of each pair")
    parser.add_argument("--runs", type=int, default=5, help="throughput: pairs of runs")
    parser.add_argument("--seconds", type=float, default=10.0, help="latency: at each rate")
    parser.add_argument("--burst", type=int, default=150_000, help="memory: messages in the burst")
    parser.add_argument("--quick", action="store_true", help="a minute's worth of smaller numbers")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part (may be repeated)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the tables go to stderr")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)  # numbers given beside --quick still count
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for and print each part as it is ready."""
    asked = read_arguments()
    parts = asked.only or PARTS
    results: dict[str, Any] = {"machine": describe_machine()}
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in results["machine"].items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        folder = Path(made)
        if "throughput" in parts:
            throughput = measure_throughput(folder, asked.messages, asked.runs)
            results["throughput"] = asdict(throughput)
            say(describe_throughput(throughput))
        if "latency" in parts:
            latencies = [measure_latency(folder / f"at-{rate}", rate, asked.seconds) for rate in RATES_PER_S]
            results["latency"] = [asdict(at) for at in latencies]
            say(describe_latencies(latencies))
        if "memory" in parts:
            memory = measure_memory(folder / "burst", asked.burst)
            results["memory"] = asdict(memory)
            say(describe_memory(memory))
    if asked.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

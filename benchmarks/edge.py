"""How fast and how soon the camera agent works, beside OpenVINO alone; docs/numbers.md quotes it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

# This file has the name of the agent's package, and must not be found in its place.
sys.path.append(sys.path.pop(0))

from support.agent_latency import measure_frame_latency
from support.agent_report import describe_frame_latency, describe_speed
from support.agent_speed import measure_speed
from support.report import describe_machine

PARTS = ("speed", "latency")


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="speed: how often each is measured, in turn")
    parser.add_argument("--seconds", type=float, default=5.0, help="speed: of each measurement")
    parser.add_argument("--fps", type=float, default=30.0, help="latency: the camera's rate")
    parser.add_argument("--watch", type=float, default=30.0, help="latency: for how many seconds")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part (may be repeated)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the tables go to stderr")
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for and print each part as it is ready."""
    asked = read_arguments()
    parts = asked.only or PARTS
    results: dict[str, Any] = {"machine": describe_machine()}
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in results["machine"].items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        if "speed" in parts:
            speed = measure_speed(Path(made), asked.runs, asked.seconds)
            results["speed"] = asdict(speed)
            say(describe_speed(speed))
        if "latency" in parts:
            latency = measure_frame_latency(Path(made) / "latency", asked.fps, asked.watch)
            results["latency"] = asdict(latency)
            say(describe_frame_latency(latency))
    if asked.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

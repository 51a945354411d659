"""The agent's benchmark runs, prints its tables, and finds events for what it counts; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "edge.py"
SMALL = ("--runs", "1", "--seconds", "0.5", "--watch", "2")


@pytest.fixture(scope="module")
def printed():
    """The tables (stderr) and the parsed JSON (stdout) of one small run."""
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", *SMALL], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stderr, json.loads(ran.stdout)


@pytest.mark.usefixtures("mosquitto_path")
def test_edge_benchmark_measures_the_agent_beside_openvino_alone(printed):
    speed = printed[1]["speed"]

    assert all(speed[name][0] > 0 for name in ("bare", "bare_ahead", "detector"))
    assert list(speed["agent"]) == ["one event a second at most", "every finding is an event"]
    assert all(run["frames_per_s"] > 0 and run["peak_mb"] > 0 for (run,) in speed["agent"].values())


@pytest.mark.usefixtures("mosquitto_path")
def test_edge_benchmark_times_events_until_the_hub_has_committed_them(printed):
    latency = printed[1]["latency"]

    assert latency["events"] > 0
    assert 0 < latency["p50_ms"] <= latency["p99_ms"] <= latency["max_ms"]


@pytest.mark.usefixtures("mosquitto_path")
@pytest.mark.parametrize("head", ["/ side by side", "agent, one event a second at most", "p99, ms"])
def test_edge_benchmark_prints_its_tables(printed, head):
    assert head in printed[0]

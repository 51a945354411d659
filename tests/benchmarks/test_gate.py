"""The text gate's benchmark runs, with torch or without, on the published network; no time is asserted."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gate.py"
SMALL = ("--rounds", "1", "--calls", "2", "--pictures", "16")
HAS_TORCH = importlib.util.find_spec("torch") is not None


def run(*options: str) -> str:
    ran = subprocess.run(
        [sys.executable, SCRIPT, *SMALL, *options], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def results():
    return json.loads(run("--json", "--threads", "1"))


def test_gate_benchmark_measures_a_network_of_the_published_size(results):
    assert results["parameters"] == 450_633
    assert all(0 < found["p50_ms"] <= found["p95_ms"] for found in results["latency"].values())


def test_gate_benchmark_compares_answers_that_depend_on_the_picture(results):
    assert results["spread"] > 0.05
    assert all(value < 0.02 for value in results["difference"].values())
    assert all(value < 1e-4 for name, value in results["difference"].items() if name.endswith("f32"))


def test_gate_benchmark_times_the_hub_beside_requests_over_http(results):
    assert next(name.split(",")[0] for name in results["ways"]).startswith("hub: OpenVINO")
    assert all(one["a_second"] > 0 and one["p50_ms"] <= one["p99_ms"] for one in results["ways"].values())
    assert len(results["ways"]) == 4


def test_gate_benchmark_says_what_to_install_when_there_is_no_torch(results):
    assert results["torch"] == any(name.startswith("torch") for name in results["latency"]) == HAS_TORCH
    assert ("install torch==" in run()) != HAS_TORCH

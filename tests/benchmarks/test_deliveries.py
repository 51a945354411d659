"""The benchmark of deliveries prints its tables and finds every delivery settled; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "deliveries.py"
SMALL = ("--rate", "40", "--seconds", "1", "--pairs", "1")


@pytest.fixture(scope="module")
def printed():
    """The tables (stderr) and the parsed JSON (stdout) of one small pair of runs."""
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", *SMALL], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stderr, json.loads(ran.stdout)


@pytest.mark.usefixtures("mosquitto_path")
def test_deliveries_benchmark_finds_every_delivery_settled_and_everything_received(printed):
    found = [(run["hanging"], run["events"], run["outcomes"]) for run in printed[1]["runs"]]

    assert found == [(False, 10, {"done": 40}), (True, 10, {"done": 40})]
    came = {"records": 60, "pictures": 0, "posted": 60, "published": 60}
    assert [run["received"] for run in printed[1]["runs"]] == [came, came], "50 to warm up"


@pytest.mark.usefixtures("mosquitto_path")
@pytest.mark.parametrize("head", ["settled, /s", "beside it"])
def test_deliveries_benchmark_prints_its_tables(printed, head):
    assert head in printed[0]

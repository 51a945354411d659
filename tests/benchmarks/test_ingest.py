"""The ingest benchmark runs, prints its tables, and finds every message it sent; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ingest.py"
SMALL = ("--quick", "--messages", "300", "--burst", "400", "--seconds", "0.5")


@pytest.fixture(scope="module")
def printed():
    """The tables (stderr) and the parsed JSON (stdout) of one small run."""
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", *SMALL], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stderr, json.loads(ran.stdout)


@pytest.mark.usefixtures("mosquitto_path")
def test_ingest_benchmark_finds_a_row_for_every_message_it_sent(printed):
    throughput = printed[1]["throughput"]

    assert [pair["sent"] for pair in throughput["pairs"]] == [300]
    assert throughput["pairs"][0]["rows"] == {
        "events": 300,
        "messages": 300,
        "detections": 600,
        "quarantine": 0,
        "deliveries": 0,
        "delivered": 1200,
    }


@pytest.mark.usefixtures("mosquitto_path")
def test_ingest_benchmark_measures_a_hub_whose_commits_survive_a_power_cut(printed):
    throughput = printed[1]["throughput"]

    assert (throughput["journal_mode"], throughput["synchronous"]) == ("wal", "FULL")


@pytest.mark.usefixtures("mosquitto_path")
def test_ingest_benchmark_times_every_event_it_paced(printed):
    counts = [(at["rate_per_s"], at["sent"], at["stored"], at["measured"]) for at in printed[1]["latency"]]

    assert counts == [(100, 50, 50, 50), (1000, 500, 500, 500)]


@pytest.mark.usefixtures("mosquitto_path")
def test_ingest_benchmark_stores_the_whole_burst(printed):
    memory = printed[1]["memory"]

    assert (memory["sent"], memory["stored"]) == (400, 400)
    assert memory["peak_mb"] >= memory["started_mb"] > 0


@pytest.mark.usefixtures("mosquitto_path")
@pytest.mark.parametrize("head", ["hub / bare", "PRAGMA synchronous FULL", "p99, ms", "resident, MB"])
def test_ingest_benchmark_prints_its_tables(printed, head):
    assert head in printed[0]

"""The isolation benchmark runs, prints its table, and delivers every event; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "isolation.py"


def test_isolation_benchmark_delivers_every_event_both_ways():
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--events", "600", "--runs", "1"],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    runs = json.loads(ran.stdout)["isolation"]["runs"]

    assert [(run["isolation"], run["done"]) for run in runs] == [("none", 600), ("process", 600)]
    assert "events/s in a process" in ran.stderr

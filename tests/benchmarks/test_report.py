"""The report benchmark runs, prints its table, and counts every detection; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "report.py"


@pytest.mark.slow
def test_report_benchmark_counts_every_detection():
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--events", "500", "--runs", "1", "--only", "terminal, the first"],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    told = {one["asked"]: one["detections"] for one in json.loads(ran.stdout)["reports"]}

    assert told == {"terminal, the first": 1000}
    assert "from starting the program to its end" in ran.stderr

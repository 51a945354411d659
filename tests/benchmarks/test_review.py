"""The review benchmark runs, prints its table, and calls every operation; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "review.py"


@pytest.mark.slow
def test_review_benchmark_calls_every_operation():
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--events", "600", "--captures", "200", "--runs", "3"],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)["operations"]

    assert {one["name"] for one in found} >= {"take", "accept", "reject", "correct", "undo"}
    assert {one["calls"] for one in found} == {3}
    assert "bare INSERT and COMMIT" in ran.stderr

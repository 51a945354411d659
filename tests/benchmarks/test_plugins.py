"""The plugin benchmark runs and prints its tables, and every filter leaves out all; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "plugins.py"
SMALL = ("--quick", "--messages", "200", "--only", "filters")


@pytest.mark.usefixtures("mosquitto_path")
def test_plugin_benchmark_has_every_filter_leave_out_every_event():
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", *SMALL], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr

    found = json.loads(ran.stdout)["filters"]
    assert [[pair["filtered"] for pair in at["pairs"]] for at in found] == [[20_000], [20_000]]
    assert "with / without" in ran.stderr

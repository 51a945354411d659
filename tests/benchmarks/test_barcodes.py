"""The barcode reader's benchmark runs; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "barcodes.py"


def test_barcode_benchmark_gives_a_rate_for_each_blur_and_angle() -> None:
    run = subprocess.run(
        [sys.executable, SCRIPT, "--photos", "1", "--json"], capture_output=True, timeout=280
    )
    found = json.loads(run.stdout)
    hub, alone = found["rates"].values()
    assert found["pictures"] == len(hub) * len(hub["0"]) == 54
    assert sum(map(sum, hub.values())) > sum(map(sum, alone.values()))
    assert found["wrong"] <= 1

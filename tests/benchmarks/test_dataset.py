"""The training-set benchmark runs and prints its table; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "dataset.py"


def test_dataset_benchmark_brings_every_picture_in_and_out():
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--pictures", "30"], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)["datasets"]

    assert [one["what"] for one in found] == [
        "import of VOC",
        "export to COCO",
        "check of COCO",
        "VOC to YOLO",
    ]
    assert "pictures/s" in ran.stderr

"""The benchmark of pictures runs and stores and pays every picture once; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "images.py"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mosquitto_path")]


def test_images_benchmark_stores_and_pays_every_picture_once():
    options = ["--json", "--images", "120", "--concurrency", "8"]
    ran = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, timeout=280)
    assert ran.returncode == 0, ran.stderr
    [run] = json.loads(ran.stdout)["images"]["runs"]

    assert (run["events"], run["calls"]) == (120, 120)
    assert "resident, MB" in ran.stderr

"""The sampling benchmark chooses, teaches and measures; nothing is asserted of so short a training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "sampling.py"


@pytest.mark.slow
def test_sampling_benchmark_compares_chosen_frames_with_random_ones(tmp_path):
    options = ["--frames", "60", "--held-out", "20", "--counts", "8", "--seeds", "1", "--steps", "1"]
    files = ["--json", str(tmp_path / "found.json"), "--png", str(tmp_path / "curve.png")]
    ran = subprocess.run(
        [sys.executable, SCRIPT, *options, "--ways", "random", "mixture", *files],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads((tmp_path / "found.json").read_text())["found"]
    assert [(one["way"], one["chosen"]) for one in told] == [("random", 8), ("mixture", 8)]
    assert "AP50" in ran.stdout
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")

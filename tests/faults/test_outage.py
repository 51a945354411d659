"""The endurance run, small: the real agent loses nothing while the broker comes and goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "outage.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420), pytest.mark.usefixtures("mosquitto_path")]


def test_records_of_a_camera_are_stored_once_and_in_order_when_the_broker_comes_and_goes():
    options = ["--minutes", "0.35", "--shortest-s", "0.5", "--longest-s", "3", "--json"]
    done = subprocess.run([sys.executable, str(PROGRAM), *options], capture_output=True, text=True)

    assert done.stdout, done.stderr
    summary = json.loads(done.stdout)
    assert summary["passed"], summary
    assert set(summary["outages"]) == {"stopped", "killed", "hung"}

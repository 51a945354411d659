"""S3 notifications, a few: every good picture is one event, and is paid for once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "notified.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(360), pytest.mark.usefixtures("mosquitto_path")]


def test_good_pictures_are_stored_and_paid_once_among_duplicates_and_poison() -> None:
    command = [sys.executable, str(PROGRAM), "--messages", "120", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["passed"], done.stdout

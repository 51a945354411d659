"""The Custom Labels night, short: the model is stopped whenever the hub started it, and only then."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "night.py"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mosquitto_path")]


def run(*options: str) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_model_is_stopped_and_every_picture_is_one_event_when_the_hub_is_killed() -> None:
    found = run("--moments", "started, not answered", "RUNNING, draining")

    assert found["passed"], found


def test_a_hub_that_does_not_write_down_what_it_starts_is_found_out() -> None:
    found = run("--moments", "STARTING", "--mutant", "forgetful")

    assert "the model is RUNNING" in found["batches"][0]["wrong"]

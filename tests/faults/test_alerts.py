"""The hub is killed around webhooks: each alert reaches each of them, under one key of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "alerts.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_webhooks_lose_nothing_and_have_one_key_each_when_the_hub_is_killed():
    command = [sys.executable, str(PROGRAM), "--events", "200", "--kills", "4"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr
    summary = json.loads(done.stdout)
    assert summary["passed"], summary

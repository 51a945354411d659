from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hub.event_schema import event_schema, schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "event.schema.json"


def test_published_schema_is_the_one_of_the_models() -> None:
    assert PUBLISHED.read_text() == schema_text(), "run: python -m hub.event_schema > docs/event.schema.json"


def test_schema_requires_what_every_stored_event_has() -> None:
    event = event_schema()["$defs"]["Event"]
    assert {"id", "received_at", "source", "device", "captured_at"} == set(event["required"])


def test_schema_module_prints_the_schema_when_run() -> None:
    command = [sys.executable, "-m", "hub.event_schema"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == schema_text()

"""The event's JSON Schema, for those who read or write events elsewhere: `python -m hub.event_schema`."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from hub.event import SCHEMA_VERSION, Event, NewEvent


def event_schema() -> dict[str, Any]:
    """Return a schema that describes `Event`, with `NewEvent` among its definitions."""
    _, definitions = models_json_schema([(Event, "validation"), (NewEvent, "validation")])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"LensHub event, schema version {SCHEMA_VERSION}",
        "$ref": "#/$defs/Event",
        **definitions,
    }


def schema_text() -> str:
    """Return the schema as it stands in docs/event.schema.json."""
    return json.dumps(event_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())

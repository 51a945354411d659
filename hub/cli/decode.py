"""`lenshub decode`: what the hub makes of a payload."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hub.cli.shared import (
    EXIT_ERROR,
    ConfigOption,
    JsonOption,
    as_shown,
    complaints,
    console,
    plainly,
    print_json,
)
from hub.config import read_config
from hub.decode.message import Message
from hub.decode.report import report
from hub.errors import HubError
from hub.program import decode_message


@plainly
def decode(
    topic: Annotated[str, typer.Option("--topic", "-t", help="The topic it came on.")],
    file: Annotated[Path, typer.Argument(help="File with the payload; - reads standard input.")] = Path("-"),
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the hub makes of one payload, without storing anything; exit code 1 if it is refused.

    Example: echo '{"thumbs-up": 0.87}' | lenshub decode --topic '$aws/things/porch/infer'
    """
    try:
        payload = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise HubError(f"{file}: cannot be read: {error.strerror}") from error
    message = Message("mqtt", topic, payload, datetime.now(UTC))
    found = report(decode_message(read_config(config), message))
    if json:
        print_json(found)
    else:
        for event in found["events"]:
            seen = ", ".join(f"{d['label']} {d['confidence']:.2%}" for d in event["detections"]) or "nothing"
            console.print(as_shown(f"event from {event['device']} at {event['captured_at']}: {seen}"))
        for said in found["status"]:
            console.print(as_shown(f"status of {said['device']}: {said['kind']}: {said['text']}"))
        for refused in found["errors"]:
            complaints.print(escape(f"refused: {refused['code']}: {refused['reason']}"), style="red")
    if found["errors"]:
        raise typer.Exit(EXIT_ERROR)

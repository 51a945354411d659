"""The command `lenshub-edge run`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.console import err, errors_in_one_line
from edge.start import ConfigOption, read_given, start_log

if TYPE_CHECKING:
    from edge.health import Health


def _given(words: str) -> Any:
    """An option that goes before agent.toml, and so has no default of its own."""
    return typer.Option(help=words, show_default=False)


Source = Annotated[str | None, _given("/dev/video0 or 0, rtsp:// or http://, a video file, a folder.")]
Pace = Annotated[
    bool | None, typer.Option("--pace/--no-pace", help="Keep a file's speed.", show_default=False)
]
UntilSent = Annotated[
    bool, typer.Option("--until-sent", help="Exit when the source has ended and all is with the hub.")
]
AsJson = Annotated[bool, typer.Option("--json", help="At the end print one JSON object with the counts.")]


def run(
    config: ConfigOption = None,
    device: Annotated[str | None, _given("This device's name.")] = None,
    source: Source = None,
    broker: Annotated[str | None, _given("mqtt://host:port, or mqtts://")] = None,
    model: Annotated[Path | None, _given("A model folder.")] = None,
    spool: Annotated[Path | None, _given("The file that keeps what is not yet sent.")] = None,
    passes: Annotated[int | None, _given("How often to play a file; 0: without end.")] = None,
    every: Annotated[int | None, _given("Look at each so many-th frame.")] = None,
    pace: Pace = None,
    display: Annotated[str | None, _given("host:port of a page with the pictures.")] = None,
    until_sent: UntilSent = False,
    as_json: AsJson = False,
) -> None:
    """Watch a camera, a video file or a folder of pictures for the hub.

    What is given here goes before agent.toml. SIGTERM and Ctrl-C stop it
    cleanly; what is not sent by then is sent at the next start.

    [bold]Examples[/bold]

     lenshub-edge run --config /etc/lenshub/agent.toml
     lenshub-edge run --device cam-1 --broker mqtt://hub.local:1883
     lenshub-edge run --device cam-1 --source clip.webm --until-sent
     lenshub-edge run --device cam-1 --source pictures/ --no-pace
     lenshub-edge run --device cam-1 --source 0 --display 127.0.0.1:8710
    """
    overrides: dict[str, dict[str, Any]] = {
        "agent": {"device": device, "spool": spool},
        "broker": {"url": broker},
        "camera": {"source": source, "every": every, "passes": passes, "pace": pace},
        "display": {"listen": display},
        "model": {"path": model},
    }
    with errors_in_one_line():
        settings = read_given(config, overrides)
        start_log()
        from edge.agent import run_agent

        counted = asyncio.run(run_agent(settings, until_sent=until_sent))
    _tell(counted, as_json=as_json)


def _tell(counted: Health, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"frames": counted.frames, "events": counted.events}) + "\n")
    else:
        err.print(f"{counted.frames} frames looked at, {counted.events} events spooled")

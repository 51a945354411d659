"""The command `lenshub-edge`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from edge.cli_check import check
from edge.cli_models import bench, optimize
from edge.cli_spool import spool_app
from edge.console import err, errors_in_one_line, out
from edge.deeplens.command import run_function

if TYPE_CHECKING:
    from edge.config import AgentConfig
    from hub.event import Detection

CONFIG = Path("agent.toml")
EXAMPLES = """\
The LensHub edge agent: finds on a camera's pictures what its model knows.

What it finds is written to a spool on the disk, and stays there until the
hub has stored it.

[bold]Examples[/bold]

 lenshub-edge run                            # as ./agent.toml says
 lenshub-edge run --device cam-1 --source 0  # first camera, local broker
 lenshub-edge check                          # is everything it needs there?
 lenshub-edge infer photo.jpg                # what does the model see here?
 lenshub-edge models                         # which models are there?
 lenshub-edge optimize cups.onnx --out cups  # make a model folder of a model
 lenshub-edge bench cups                     # how fast is it here?
 lenshub-edge spool status                   # what is not yet with the hub?
"""
app = typer.Typer(help=EXAMPLES, no_args_is_help=True, rich_markup_mode="rich", add_completion=False)
app.command("lambda")(run_function)
app.command()(check)
app.command()(optimize)
app.command()(bench)
app.add_typer(spool_app, name="spool")


@app.command()
def run(
    config: Annotated[
        Path | None, typer.Option(help="The configuration; ./agent.toml if there is one.", show_default=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="This device's name.", show_default=False)] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="/dev/video0 or 0, rtsp:// or http://, a video file, a folder.", show_default=False
        ),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="mqtt://host:port, or mqtts://", show_default=False)
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A model folder.", show_default=False)] = None,
    spool: Annotated[
        Path | None, typer.Option(help="The file that keeps what is not yet sent.", show_default=False)
    ] = None,
    passes: Annotated[
        int | None, typer.Option(help="How often to play a file; 0: without end.", show_default=False)
    ] = None,
    every: Annotated[
        int | None, typer.Option(help="Look at each so many-th frame.", show_default=False)
    ] = None,
    pace: Annotated[
        bool | None, typer.Option("--pace/--no-pace", help="Keep a file's speed.", show_default=False)
    ] = None,
    display: Annotated[
        str | None, typer.Option(help="host:port of a page with the pictures.", show_default=False)
    ] = None,
    until_sent: Annotated[
        bool, typer.Option("--until-sent", help="Exit when the source has ended and all is with the hub.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="At the end print one JSON object with the counts.")
    ] = False,
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
    if as_json:
        sys.stdout.write(json.dumps({"frames": counted.frames, "events": counted.events}) + "\n")
    else:
        err.print(f"{counted.frames} frames looked at, {counted.events} events spooled")


@app.command()
def infer(
    files: Annotated[list[Path], typer.Argument(help="Pictures.")],
    model: Annotated[Path | None, typer.Option(help="A model folder.", show_default="thumbs-up")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each picture.")] = False,
) -> None:
    """Print what a model sees on pictures; exit with 1 if one cannot be read.

    [bold]Examples[/bold]

     lenshub-edge infer photo.jpg
     lenshub-edge infer --json *.jpg | jq .detections
    """
    from hub.draw.picture import PictureError, decode_picture

    unreadable = False
    with errors_in_one_line():
        from edge.config import DEFAULT_MODEL
        from edge.model import Detector

        detector = Detector(model or DEFAULT_MODEL)
        for file in files:
            try:
                found = detector.detect(decode_picture(file.read_bytes()))
            except (OSError, PictureError) as error:
                err.print(f"{file}: {error}", style="red", markup=False)
                unreadable = True
                continue
            _print_detections(file, found, as_json=as_json)
    if unreadable:
        raise typer.Exit(1)


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list.")] = False,
) -> None:
    """List the models that come with the agent.

    [bold]Example[/bold]

     lenshub-edge models --json
    """
    from edge.model import read_card, shipped_models

    with errors_in_one_line():
        cards = [(folder, read_card(folder)) for folder in shipped_models()]
    if as_json:
        out.print_json(json.dumps([card.model_dump(mode="json") | {"path": str(p)} for p, card in cards]))
        return
    table = Table("name", "version", "input", "threshold", "labels", "path")
    for folder, card in cards:
        size = f"{card.width} x {card.height}"
        table.add_row(card.name, card.version, size, str(card.threshold), ", ".join(card.labels), str(folder))
    out.print(table)


def read_given(config: Path | None, overrides: dict[str, dict[str, Any]]) -> AgentConfig:
    from edge.config import read_config

    given = {
        table: {key: value for key, value in values.items() if value is not None}
        for table, values in overrides.items()
    }
    path = config or (CONFIG if CONFIG.is_file() else None)
    return read_config(path, {table: values for table, values in given.items() if values})


def _print_detections(file: Path, found: tuple[Detection, ...], *, as_json: bool) -> None:
    if as_json:
        detections = [detection.model_dump(mode="json", exclude_defaults=True) for detection in found]
        sys.stdout.write(json.dumps({"file": str(file), "detections": detections}) + "\n")
        return
    out.print(f"{file}: {'nothing' if not found else ''}", markup=False)
    for detection in found:
        box = detection.box
        place = f"  left {box.left:.3f}  top {box.top:.3f}  {box.width:.3f} x {box.height:.3f}" if box else ""
        out.print(f"  {detection.label}: {detection.confidence:.2%}{place}", markup=False)


def start_log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # the link reports outages itself, once

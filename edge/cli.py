"""The command `lenshub-edge`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli_check import check
from edge.cli_models import bench, optimize
from edge.cli_run import run
from edge.cli_spool import spool_app
from edge.console import err, errors_in_one_line, out
from edge.deeplens.command import run_function

if TYPE_CHECKING:
    from hub.event import Detection

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
app.command()(run)
app.command("lambda")(run_function)
app.command()(check)
app.command()(optimize)
app.command()(bench)
app.add_typer(spool_app, name="spool")


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
    from edge.picture_file import read_picture
    from hub.draw.picture import PictureError

    unreadable = False
    with errors_in_one_line():
        from edge.config import DEFAULT_MODEL
        from edge.model import Detector

        detector = Detector(model or DEFAULT_MODEL)
        for file in files:
            try:
                found = detector.detect(read_picture(file))
            except (OSError, PictureError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                err.print(f"{file}: {reason}", style="red", markup=False)
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
    table = Table("name", "version", "input", "threshold", "labels")
    for _, card in cards:
        size = f"{card.width} x {card.height}"
        table.add_row(card.name, card.version, size, str(card.threshold), ", ".join(card.labels))
    out.print(table)
    for folder, card in cards:  # a table would cut the path off
        out.print(f"{card.name}: {folder}", markup=False, highlight=False)


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

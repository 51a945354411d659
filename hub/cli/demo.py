"""`lenshub demo`: everything at once, with nothing to set up."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hub.cli.shared import EXIT_ERROR, JsonOption, complaints, console, plainly, print_json, print_table
from hub.demo.clips import CLIPS
from hub.demo.play import play
from hub.demo.summary import Summary


class DemoModel(StrEnum):
    """The shipped models."""

    THUMBS_UP = "thumbs-up"
    HIRAGANA = "hiragana"


@plainly
def demo(
    model: Annotated[DemoModel, typer.Option(help="What the camera looks for.")] = DemoModel.THUMBS_UP,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, max=86_400, help="End by itself after about this long.", show_default="Ctrl-C"),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where to keep what the demo makes.")] = Path("lenshub-demo"),
    json: JsonOption = False,
) -> None:
    """Run a broker, a hub and a camera agent on a shipped clip, and tell what happens.

    Needs no camera and no account: pictures are archived to a folder, tweets are only shown. Exits with 0 if
    nothing was lost and every plugin did its part.

    Examples:

     lenshub demo --seconds 20 --json
     lenshub demo --model hiragana
    """
    summary, problems = asyncio.run(_play(folder, model, seconds, quiet=json))
    if json:
        print_json(summary.model_dump())
    else:
        _print_summary(summary)
    for problem in problems:
        complaints.print(escape(problem), style="red")
    if problems:
        raise typer.Exit(EXIT_ERROR)


async def _play(
    folder: Path, model: DemoModel, seconds: float | None, *, quiet: bool
) -> tuple[Summary, list[str]]:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await play(folder, CLIPS[model], seconds, stop, (lambda _: None) if quiet else _tell)


def _tell(line: str) -> None:
    console.print(escape(line), soft_wrap=True)


def _print_summary(summary: Summary) -> None:
    console.print(
        f"\n{summary.frames} frames looked at, {summary.events} events with {summary.detections} detections "
        f"stored, {summary.lost} lost, {summary.gaps} gaps"
    )
    outcomes = sorted({outcome for counts in summary.deliveries.values() for outcome in counts})
    rows = [(name, *(counts.get(o, 0) for o in outcomes)) for name, counts in summary.deliveries.items()]
    print_table("What the plugins did", ("plugin", *outcomes), rows)
    print_table("Where it is", ("what", "path"), sorted(summary.paths.items()))
    store = Path(summary.paths["database"]).with_name("hub.toml")
    console.print(escape(f"\nLook closer: lenshub explain 1 -c {store}"), soft_wrap=True)

"""`lenshub demo`: everything at once, with nothing to set up."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import Coroutine
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hub.cli.demo_loop import print_loop
from hub.cli.shared import EXIT_ERROR, JsonOption, complaints, console, plainly, print_json, print_table
from hub.demo.clips import CLIPS, Clip
from hub.demo.loop.summary import LoopSummary
from hub.demo.play import play
from hub.demo.summary import Summary
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.demo.cloud.serve import Served
    from hub.demo.cloud.summary import CloudSummary

LEAST_FRAMES = 32  # of 16, a picture or two would choose the model, and the shipped one may get these right


class DemoModel(StrEnum):
    """The shipped models."""

    THUMBS_UP = "thumbs-up"
    HIRAGANA = "hiragana"


@plainly
def demo(
    model: Annotated[
        DemoModel | None,
        typer.Option(help="What the camera looks for.", show_default=DemoModel.THUMBS_UP.value),
    ] = None,
    cloud: Annotated[
        bool,
        typer.Option(
            "--cloud", help="Pictures from S3, a folder and uploads to cloud classifiers, all local."
        ),
    ] = False,
    servers: Annotated[
        bool,
        typer.Option("--servers", help="Only the servers of --cloud, and a hub.toml that asks them."),
    ] = False,
    retrain: Annotated[
        bool,
        typer.Option(
            "--retrain", help="Teach the model what a dark camera shows: capture, review, train, evaluate."
        ),
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(min=LEAST_FRAMES, help="With --retrain: learn from so many frames.", show_default="all"),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, max=86_400, help="End by itself after about this long.", show_default="Ctrl-C"),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where to keep what the demo makes.")] = Path("lenshub-demo"),
    json: JsonOption = False,
) -> None:
    """Run a broker, a hub and a camera agent on a shipped clip, and tell what happens.

    Needs no camera and no account: pictures are archived to a folder, tweets are only shown. With --cloud
    servers on this machine stand in for S3, SQS, Rekognition and a classifier. Exits with 0 if nothing was
    lost or paid for twice and every plugin did its part.

    With --retrain what the model gets wrong in the dark is captured, reviewed from the known truth, learnt,
    and both models are measured on other scenes; exits with 0 if the new one is better.

    With --servers only Rekognition's and the classifier's run: for trying `lenshub classify` by hand.

    Examples:

    lenshub demo --seconds 20 --json

    lenshub demo --model hiragana

    lenshub demo --cloud --seconds 30

    lenshub demo --retrain

    lenshub demo --servers
    """
    if cloud and servers:
        raise HubError("--servers starts no demo; leave out --cloud")
    if (cloud or servers) and model is not None:
        raise HubError("--model is a camera's; leave it out with --cloud and --servers")
    if retrain and (cloud or servers or model is not None):
        raise HubError("--retrain is a demo of its own; leave out --cloud, --servers and --model")
    if frames is not None and not retrain:
        raise HubError("--frames is for --retrain; --seconds ends the others")
    if servers:
        asyncio.run(_serve(folder, seconds, json=json))
        return
    if retrain:
        _finish(_go_round(folder, frames, seconds, quiet=json), json=json)
        return
    clip = None if cloud else CLIPS[model or DemoModel.THUMBS_UP]
    _finish(_play(folder, clip, seconds, quiet=json), json=json)


def _finish(
    playing: Coroutine[Any, Any, tuple[Summary | CloudSummary | LoopSummary, list[str]]], *, json: bool
) -> None:
    """Play a demo, and print what came of it; exits with 1 if something is wrong with it."""
    try:
        summary, problems = asyncio.run(playing)
    except (HubError, OSError) as error:
        if json:
            print_json({"error": str(error)})
        raise
    if json:
        print_json(summary.model_dump() | ({"error": "; ".join(problems)} if problems else {}))
    elif isinstance(summary, Summary):
        _print_summary(summary)
    elif isinstance(summary, LoopSummary):
        print_loop(summary)
    else:
        _print_cloud(summary)
    for problem in problems:
        complaints.print(escape(problem), style="red")
    if problems:
        raise typer.Exit(EXIT_ERROR)


async def _play(
    folder: Path, clip: Clip | None, seconds: float | None, *, quiet: bool
) -> tuple[Summary | CloudSummary, list[str]]:
    """Play a clip, or without one the cloud demo."""
    stop = _stop_by_signal()
    tell = (lambda _: None) if quiet else _tell
    if clip is None:
        from hub.demo.cloud.play import play_cloud  # its servers load botocore and OpenCV

        return await play_cloud(folder, seconds, stop, tell)
    return await play(folder, clip, seconds, stop, tell)


async def _go_round(
    folder: Path, frames: int | None, seconds: float | None, *, quiet: bool
) -> tuple[LoopSummary, list[str]]:
    """Go once through the loop; what it needs is looked for first, for it would be missed late."""
    if missing := [name for name in ("jax", "openvino", "pycocotools") if find_spec(name) is None]:
        raise HubError(
            f"--retrain needs {', '.join(missing)}: pip install 'lenshub[hub,edge,evaluate,train]'"
        )
    from hub.demo.loop.play import play_loop

    return await play_loop(folder, frames, seconds, _stop_by_signal(), (lambda _: None) if quiet else _tell)


def _stop_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _serve(folder: Path, seconds: float | None, *, json: bool) -> None:
    from hub.demo.cloud.serve import serve  # its servers load botocore and OpenCV

    def tell(served: Served) -> None:
        if json:
            print_json(served.model_dump())
        else:
            _print_served(served)

    await serve(folder, seconds, _stop_by_signal(), tell)


def _print_served(served: Served) -> None:
    config = shlex.quote(served.hub_toml)
    exports = " ".join(f"{name}={value}" for name, value in served.environment.items())
    _tell(f"# {served.hub_toml}")
    _tell(Path(served.hub_toml).read_text(encoding="utf-8"))
    _tell("The servers run until Ctrl-C. In another terminal:")
    _tell(f"  export {exports}")
    _tell(f"  lenshub classify picture.jpg --source rekognition -c {config}")
    _tell(f"  lenshub classify cover.jpg --source isbn -c {config}")
    _tell(f"  lenshub run -c {config}    # a hub; pictures in its folders photos and books are taken")


def _tell(line: str) -> None:
    console.print(escape(line), soft_wrap=True)


def _print_summary(summary: Summary) -> None:
    console.print(
        f"\n{summary.frames} frames looked at, {summary.events} events with {summary.detections} detections "
        f"stored, {summary.lost} lost, {summary.gaps} gaps"
    )
    _print_rest(summary.deliveries, summary.paths)


def _print_cloud(summary: CloudSummary) -> None:
    sent = ", ".join(f"{count} by {way}" for way, count in summary.images.items())
    console.print(
        f"\n{sum(summary.images.values())} images in ({sent}), {summary.duplicates} of them again; "
        f"{sum(summary.events.values())} events, USD {summary.usd:.4f}, {summary.paid_twice} calls paid twice"
    )
    rows = [(name, count, summary.events.get(name, 0)) for name, count in summary.wanted.items()]
    print_table("What was stored", ("instance", "pictures", "events"), rows)
    refused = [*summary.refused.items(), ("at the HTTP door", summary.refused_at_the_door)]
    print_table("What was refused", ("code", "count"), refused)
    paid = [(p.instance, p.operation, p.wanted, p.answered, f"{p.usd:.4f}") for p in summary.calls]
    print_table("What was paid", ("instance", "operation", "pictures", "calls", "USD"), paid)
    batches = [(b.number, b.state, b.pictures, f"{b.usd:.4f}", b.note) for b in summary.batches]
    print_table("Batches", ("number", "state", "pictures", "USD", "says"), batches)
    _print_rest(summary.deliveries, summary.paths)


def _print_rest(deliveries: dict[str, dict[str, int]], paths: dict[str, str]) -> None:
    outcomes = sorted({outcome for counts in deliveries.values() for outcome in counts})
    rows = [(name, *(counts.get(o, 0) for o in outcomes)) for name, counts in deliveries.items()]
    print_table("What the plugins did", ("plugin", *outcomes), rows)
    print_table("Where it is", ("what", "path"), sorted(paths.items()))
    store = Path(paths["database"]).with_name("hub.toml")
    console.print(escape(f"\nLook closer: lenshub explain 1 -c {store}"), soft_wrap=True)

"""The commands `lenshub-edge optimize` and `lenshub-edge bench`."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.console import err, errors_in_one_line, out

if TYPE_CHECKING:
    from edge.optimize import Optimized


def optimize(
    model: Annotated[Path, typer.Argument(help="A model folder, .onnx, .xml, SavedModel, .pb, .tflite ...")],
    folder: Annotated[Path, typer.Option("--out", help="The model folder to write; must be new.")],
    images: Annotated[
        Path | None, typer.Option(help="Pictures to compare (and calibrate) on.", show_default="noise")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labels, one a line, if there is no model.toml.", show_default=False)
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="8-bit integers; needs --images and NNCF.")] = False,
    max_loss: Annotated[
        float, typer.Option(min=0, max=1, help="Loss of agreement above which nothing is written.")
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Make a model folder of a model from elsewhere, with half the size.

    Prints size, latency and how far both see the same. Exits with 1, and
    writes nothing, if the new model sees too much else than the original.

    [bold]Examples[/bold]

     lenshub-edge optimize cups.onnx --labels cups.txt --out models/cups
     lenshub-edge optimize models/cups --int8 --images pictures/ --out models/cups-int8
    """
    with errors_in_one_line():
        from edge.optimize import Order
        from edge.optimize import optimize as run

        done = run(Order(model, folder, images, labels, int8, max_loss))
    if as_json:
        shown = dataclasses.asdict(done) | {"model": done.model.model_dump(mode="json"), "path": str(folder)}
        sys.stdout.write(json.dumps(shown, ensure_ascii=False) + "\n")
    else:
        _print_optimized(done, folder)
    if not done.accepted:
        err.print(f"refused: loses {1 - done.agreement:.4f}, more than {max_loss} (--max-loss)", style="red")
        raise typer.Exit(1)


def bench(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long to measure.")] = 5.0,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="How many the CPU may use.", show_default="all")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="CPU, GPU, NPU or AUTO.", show_default="as model.toml says")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure how fast a model is here, on frames of 640 x 480.

    [bold]Examples[/bold]

     lenshub-edge bench models/cups
     lenshub-edge bench models/cups --threads 1 --seconds 10 --json
    """
    with errors_in_one_line():
        from edge.bench import bench_model
        from edge.model import Detector

        done = bench_model(Detector(model, device=device, threads=threads), seconds)
    if as_json:
        sys.stdout.write(json.dumps(dataclasses.asdict(done)) + "\n")
        return
    table = Table("", "p50 ms", "p95 ms", title=f"{done.model} {done.version} on {done.device}")
    table.add_row("network alone", str(done.infer.p50_ms), str(done.infer.p95_ms))
    table.add_row("whole frame", str(done.detect.p50_ms), str(done.detect.p95_ms))
    out.print(table)
    out.print(f"{done.frames_per_s} frames/s ({done.frames} in {done.seconds} s)")


def _print_optimized(done: Optimized, folder: Path) -> None:
    table = Table("", "KB", "p50 ms", "p95 ms", title=f"{done.model.name}, {done.model.kind}")
    for name, one in (("before", done.before), ("after", done.after)):
        size = f"{one.bytes / 1024:.1f}"
        table.add_row(name, size, str(one.latency.p50_ms), str(one.latency.p95_ms))
    out.print(table)
    kind = "synthetic pictures (noise)" if done.noise else "pictures"
    out.print(f"{done.precision} agrees with the original to {done.agreement:.4f} on {done.pictures} {kind}")
    if done.accepted:
        out.print(f"written to {folder}", markup=False)
    if done.accepted and done.guessed:
        out.print(f"guessed: check labels, colours, mean and scale in {folder / 'model.toml'}", markup=False)

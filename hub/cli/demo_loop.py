"""Prints what came of `lenshub demo --retrain`."""

from __future__ import annotations

from rich.markup import escape

from hub.cli.shared import console, print_table
from hub.demo.loop.summary import Figures, LoopSummary


def print_loop(summary: LoopSummary) -> None:
    """Print the figures before and after, and where everything is."""
    captured, pictures = sum(summary.captured.values()), summary.pictures
    console.print(
        f"\n{summary.frames} frames looked at, {summary.events} events, {captured} captured and reviewed; "
        f"learnt from {pictures['train']} pictures, {pictures['validation']} to choose by"
    )
    low, change, high = summary.change
    console.print(
        f"AP50 {change:+.3f} (95 %: {low:+.3f} to {high:+.3f}): [bold]{escape(summary.verdict)}[/bold]"
    )
    rows = [_row("shipped", summary.old), _row("retrained", summary.new)]
    columns = ("model", "version", "AP50", "threshold", "precision", "recall")
    print_table("On frames of other scenes", columns, rows)
    watched = summary.watched
    console.print(
        f"The agent with the new model: {watched['frames']} such frames, {watched['with_thumbs_up']} of them "
        f"with a thumb up, {watched['events']} events"
    )
    print_table("Seconds", ("step", "took"), summary.seconds.items())
    print_table("Where it is", ("what", "path"), sorted(summary.paths.items()))


def _row(name: str, model: Figures) -> tuple[str, ...]:
    precision = "none told" if model.precision is None else f"{model.precision:.3f}"
    return (
        name,
        model.version,
        f"{model.ap50:.3f}",
        f"{model.threshold:g}",
        precision,
        f"{model.recall:.3f}",
    )

"""`lenshub evaluate`: how good a model is on a training set, and whether another one is better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.dataset import ClassesOption
from hub.cli.evaluate_changes import print_comparison
from hub.cli.evaluate_tables import print_figures, print_setting
from hub.cli.progress import progress
from hub.cli.shared import JsonOption, as_shown, complaints, plainly, print_json
from hub.errors import ConfigError, HubError
from hub.words import count_of

if TYPE_CHECKING:
    from edge.evaluation.comparison import Comparison
    from edge.evaluation.examination import Examination
    from edge.evaluation.figures import Figures
    from hub.dataset.check import Checked

EXIT_WORSE = 3


class SplitName(StrEnum):
    """Which part of a set is looked at."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


@plainly
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL | --compare OLD NEW", help="Model folders, or shipped models' names."),
    ],
    dataset: Annotated[
        Path, typer.Option("--dataset", "-d", help="A training set's folder.", show_default=False)
    ],
    compare: Annotated[
        bool, typer.Option("--compare", help="Say whether the second of two is better.")
    ] = False,
    split: Annotated[
        SplitName | None, typer.Option(help="Which pictures.", show_default="validation, else test, else all")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="From which confidence detections count.", show_default="the model's own"
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--format", "-f", help="The set's format.", show_default="as the folder looks"),
    ] = None,
    classes: ClassesOption = None,
    worst: Annotated[
        int, typer.Option(min=0, max=10_000, help="How many of the worst pictures to list.")
    ] = 20,
    worst_to: Annotated[
        Path | None,
        typer.Option(
            help="A new folder for those (NEW's), with what is true (blue) and found (orange) drawn."
        ),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Write the precision and recall curves as a picture.")
    ] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit with 3 if NEW is worse.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another number, other resamples.")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure a model on labelled pictures, or say whether a new one is better than an old one.

    The model runs as on a device. What it is less sure of than its threshold
    is looked at too, for average precision needs all of it; tables "at the
    threshold" are of what a device would have told. docs/evaluation.md
    explains every figure.

    Exit codes: 0 done, whatever the figures; 1 it cannot be evaluated;
    2 no model, or options that do not fit; 3 NEW is worse (--fail-if-worse).

    Examples:

    lenshub evaluate thumbs-up --dataset set

    lenshub evaluate models/mine --dataset set --png curve.png --worst-to mistakes

    lenshub evaluate --compare models/old models/new --dataset set --fail-if-worse
    """
    _check_options(models, worst_to, png, compare=compare, fail_if_worse=fail_if_worse)
    with _needing():
        from edge.evaluation.examination import examine
        from edge.evaluation.looking import find_model, open_model

        entrants = [open_model(find_model(model)) for model in models]
    checked = _read(dataset, name, classes)
    with progress("looking") as tell:
        made = examine(entrants, checked.dataset, split.value if split else None, threshold, tell)
    compared = made.compare(seed) if compare else None
    with complaints.status("scoring"):
        facts = _as_json(checked, made, compared, worst)
    _write(made.figures, worst, worst_to, png)
    if json:
        print_json(facts)
    else:
        print_setting(checked, made.exam, made.looked)
        if compared:
            print_comparison(compared, worst)
        else:
            print_figures(made.figures[0], worst)
    if compared and fail_if_worse and compared.verdict == "worse":
        raise typer.Exit(EXIT_WORSE)


def _check_options(
    models: list[str], worst_to: Path | None, png: Path | None, *, compare: bool, fail_if_worse: bool
) -> None:
    """Refuse what can be known to fail before a picture is looked at."""
    if compare and len(models) != 2:
        raise ConfigError(f"--compare takes two models, OLD and NEW; there are {len(models)}")
    if not compare and len(models) != 1:
        raise ConfigError(f"evaluate takes one model; there are {len(models)} (--compare takes two)")
    if fail_if_worse and not compare:
        raise ConfigError("--fail-if-worse needs --compare OLD NEW")
    if worst_to and (worst_to.exists() or worst_to.is_symlink()):
        raise ConfigError(f"--worst-to: {worst_to}: is there already; name a new folder")
    if png and (png.is_dir() or not png.parent.is_dir()):
        raise ConfigError(f"--png: {png}: cannot be a file there")


def _read(folder: Path, name: str | None, classes: Path | None) -> Checked:
    from hub.dataset.check import check_dataset
    from hub.dataset.class_map import read_class_map

    with progress("reading") as tell:
        return check_dataset(folder, name, read_class_map(classes) if classes else None, tell)


def _write(figures: Sequence[Figures], worst: int, worst_to: Path | None, png: Path | None) -> None:
    """Write files; of two models the worst pictures are the new one's."""
    if png:
        with _needing():
            from edge.evaluation.plots import draw_curves
            from hub.report.files import write_whole
        write_whole(png, draw_curves(figures))
        complaints.print(as_shown(f"wrote {png}"))
    if worst_to:
        from edge.evaluation.drawing import write_seen

        pictures = figures[-1].worst(worst)
        write_seen(worst_to, pictures)
        complaints.print(as_shown(f"wrote {worst_to}: {count_of(len(pictures), 'picture')} with mistakes"))


def _as_json(checked: Checked, made: Examination, compared: Comparison | None, worst: int) -> dict[str, Any]:
    models = [one.as_json(worst) for one in made.figures]
    return {
        "format": checked.format,
        "findings": [asdict(one) for one in checked.findings],
        **made.as_json(),
        **({"old": models[0], "new": models[1], **compared.as_json(worst)} if compared else models[0]),
    }


@contextmanager
def _needing() -> Iterator[None]:
    """Say which extra a missing library is in."""
    try:
        yield
    except ImportError as error:
        raise HubError(
            f"evaluating needs {error.name}; install the extra: pip install 'lenshub[evaluate]'"
        ) from error

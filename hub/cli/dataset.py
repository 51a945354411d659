"""`lenshub dataset`: check, convert, export and import training sets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from hub.cli.events import in_utc
from hub.cli.operate import have_done
from hub.cli.progress import progress
from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    as_shown,
    complaints,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.config import read_config, read_data_dir
from hub.dataset.finding import DatasetError
from hub.store.database import database_path, hub_lock, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog

if TYPE_CHECKING:
    from hub.dataset.check import Checked
    from hub.dataset.finding import Finding

MOST_CLASSES = 20


class Side(StrEnum):
    """What an export's splits are cut by."""

    DEVICE = "device"
    TIME = "time"
    RANDOM = "random"


EXIT_FOUND = 3
IMPORT_S = 6 * 3600.0
SHOWN = 50

FolderArgument = Annotated[Path, typer.Argument(help="A training set's folder.", show_default=False)]
TargetArgument = Annotated[Path, typer.Argument(help="The folder to make.", show_default=False)]
FromOption = Annotated[
    str | None, typer.Option("--from", help="The format that is read.", show_default="as the folder looks")
]
ToOption = Annotated[
    str,
    typer.Option(
        "--format", "-f", help="sagemaker, manifest, coco, yolo, voc or imagefolder.", show_default=False
    ),
]
ClassesOption = Annotated[
    Path | None,
    typer.Option(
        "--classes", help='A TOML file of "from" = "to"; "" leaves a class out.', show_default="as they are"
    ),
]
CopyOption = Annotated[bool, typer.Option("--copy", help="Copy pictures also where a hard link would do.")]
PrefixOption = Annotated[
    str, typer.Option("--prefix", help="Before each picture's path in a manifest: s3://bucket/set/.")
]

app = typer.Typer(
    no_args_is_help=True,
    help="Training sets: from the store, into the store, from format to format, and what is wrong with one.",
)


def _read_map(path: Path | None) -> dict[str, str] | None:
    from hub.dataset.class_map import read_class_map

    return None if path is None else read_class_map(path)


@app.command()
@plainly
def check(
    folder: FolderArgument,
    name: Annotated[
        str | None, typer.Option("--format", "-f", help="Its format.", show_default="as the folder looks")
    ] = None,
    classes: ClassesOption = None,
    json: JsonOption = False,
) -> None:
    """Say what is wrong with a training set: boxes, classes, pictures, duplicates, leakage.

    Exit code 0: nothing, or only what is worth knowing. 3: errors were found.
    """
    from hub.dataset.check import check_dataset
    from hub.dataset.finding import errors_in

    with progress("looking") as tell:
        found = check_dataset(folder, name, _read_map(classes), tell, in_s3=True)
    if json:
        findings = [asdict(one) for one in found.findings]
        print_json({"format": found.format, "counts": found.counts, "findings": findings})
    else:
        _print_counts(found)
        _print_findings(found.findings)
    if errors_in(found.findings):
        raise typer.Exit(EXIT_FOUND)


def _print_counts(found: Checked) -> None:
    counts = found.counts
    rows = list(dict.fromkeys(row for one in counts.values() for row in one))
    shown = [(row, *(one.get(row, 0) for one in counts.values())) for row in rows]
    console.print(f"Training set, format {found.format}")
    print_table("", ("", *counts), shown)


def _print_findings(findings: Sequence[Finding]) -> None:
    if not findings:
        console.print("nothing is wrong with it")
        return
    counts = Counter((one.code, one.effect) for one in findings)
    print_table(
        "Findings", ("code", "effect", "count"), ((*key, count) for key, count in sorted(counts.items()))
    )
    first = sorted(findings, key=lambda one: not one.is_error)[:SHOWN]
    title = f"The first {SHOWN} of {len(findings)} (--json has all)" if len(findings) > SHOWN else "Where"
    print_table(
        title, ("where", "code", "what", "effect"), ((o.where, o.code, o.said, o.effect) for o in first)
    )


@app.command()
@plainly
def convert(
    source: FolderArgument,
    target: TargetArgument,
    name: ToOption,
    read_as: FromOption = None,
    classes: ClassesOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Write what is usable of a set with errors, boxes put right.")
    ] = False,
    copy: CopyOption = False,
    prefix: PrefixOption = "",
) -> None:
    """Write a training set in another format, in a new folder.

    Exit code 3: there are errors. Nothing is written then, unless --repair says to leave out what is wrong.
    """
    from hub.dataset.convert import Target, convert_dataset

    wanted = Target(target, name, copy, prefix)
    with progress("converting") as tell:
        done = convert_dataset(source, wanted, read_as, _read_map(classes), tell, repair=repair)
    if done.findings:
        _print_findings(done.findings)
    if not done.is_written:
        complaints.print(
            "nothing was written: mend the set, or let --repair leave out what is wrong", style="red"
        )
        raise typer.Exit(EXIT_FOUND)
    console.print(
        f"{len(done.dataset.samples)} pictures, {len(done.dataset.classes)} classes: {done.format} to {name}"
    )


@app.command()
@plainly
def export(
    target: TargetArgument,
    name: ToOption,
    split: Annotated[
        str, typer.Option(help="Shares of train/validation, or train/validation/test.")
    ] = "0.8/0.2",
    by: Annotated[Side, typer.Option(help="What the splits are cut by.")] = Side.RANDOM,
    seed: Annotated[int, typer.Option(help="Another number, another random split.")] = 0,
    device: Annotated[str | None, typer.Option(help="Only of this device.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only captured at this time (UTC) or later.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only captured before this time (UTC).")] = None,
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Also what nobody reviewed.")] = False,
    negatives: Annotated[bool, typer.Option(help="Pictures without a detection too.")] = True,
    classes: ClassesOption = None,
    copy: CopyOption = False,
    prefix: PrefixOption = "",
    instance: Annotated[
        str | None,
        typer.Option(
            "--reference", help="Name pictures where this s3-archive of hub.toml keeps them (manifest, coco)."
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make a training set of stored events with pictures, with a datasheet. The hub may run meanwhile.

    Verdicts that are not applied yet are applied first, by the hub if one runs.

    Nearly the same pictures are always in the same split. The same events and options give the same files.

    Example: lenshub dataset export set --format coco --by time
    """
    from hub.cli.dataset_references import Referrer
    from hub.dataset.choice import Choice, choose
    from hub.dataset.convert import Target
    from hub.dataset.division import Division
    from hub.dataset.export import export_dataset
    from hub.review.applying import have_applied

    wanted = Choice(device, in_utc(since), in_utc(until), unreviewed, negatives)
    goal, division, known = (
        Target(target, name, copy, prefix, references=instance is not None),
        Division.parse(split, by.value, seed),
        _read_map(classes),
    )
    goal.check()
    reference = None if instance is None else Referrer.load(read_config(config), instance)
    how = {"format": name, "split": split, "by": by.value, "seed": seed, **asdict(wanted), "classes": known}
    how |= {"reference": instance}
    settings = read_config(config)
    frames = FrameStore(settings.hub.data_dir / "frames")
    asyncio.run(have_applied(settings.hub.data_dir, settings.review))
    with progress("exporting") as tell:
        chosen = asyncio.run(read_store(config, lambda engine: choose(EventLog(engine), wanted, tell)))
        if reference is not None:
            chosen.references = asyncio.run(read_store(config, partial(reference.find, chosen.events, tell)))
        made = export_dataset(chosen, frames, goal, division, _as_plain(how), known, tell)
    if json:
        print_json(made.facts)
    else:
        _print_sheet(made.facts)


def _as_plain(how: dict[str, Any]) -> dict[str, Any]:
    """Return options as JSON has them, without those that were not given."""
    given = {key: value for key, value in how.items() if value is not None}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in given.items()}


def _print_sheet(facts: dict[str, Any]) -> None:
    splits = list(facts["pictures"])
    classes = dict(islice(facts["classes"].items(), MOST_CLASSES))
    rows = {"pictures": facts["pictures"], "negatives": facts["negatives"]} | classes
    print_table("", ("", *splits), ((name, *(row[split] for split in splits)) for name, row in rows.items()))
    if (more := len(facts["classes"]) - len(classes)) > 0:
        console.print(f"and {more:,} more classes, in the datasheet")
    left_out = ", ".join(f"{count} {reason}" for reason, count in facts["left_out"].items()) or "none"
    console.print(f"left out: {as_shown(left_out)}")
    if "fetch" in facts:
        console.print(f"the pictures are in S3; in the new folder, fetch them: {as_shown(facts['fetch'])}")


@app.command("import")
@plainly
def import_(
    source: FolderArgument,
    device: Annotated[str, typer.Option(help="Whom the events are of.", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--format", "-f", help="Its format.", show_default="as the folder looks")
    ] = None,
    classes: ClassesOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Store what is usable of a set with errors.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Store a training set's pictures as reviewed events, by the running hub or without one.

    A set that is stored already is not stored again. Plugins get these events as any others, from the source
    "dataset".

    Example: lenshub dataset import labelled --device office
    """
    from hub.commands.command import ImportDataset

    try:
        command = ImportDataset(
            root=str(source.resolve()), device=device, format=name, known=_read_map(classes), repair=repair
        )
    except ValidationError as error:
        said = error.errors(include_url=False)[0]
        raise DatasetError(f"--{said['loc'][0]}: {said['msg']}") from error
    data_dir = read_data_dir(config)
    if not database_path(data_dir).exists():
        with hub_lock(data_dir):
            upgrade(data_dir)
    with complaints.status("storing"):
        have_done(config, command, json=json, timeout_s=IMPORT_S)

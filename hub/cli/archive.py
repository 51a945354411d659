"""`lenshub archive`: compare what s3-archive keeps with the store, and rebuild a store from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

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
from hub.config import Config, read_config
from hub.dispatch.frame import FrameOnDisk
from hub.errors import ConfigError
from hub.loading import Broken, load_instance
from hub.settled import Settled
from hub.store.database import Database
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.restoration import Restored, restoring
from plugins.archive_check import Check, Expected, Findings
from plugins.archive_reading import Archived, Reading
from plugins.s3_archive import S3Archive

EXIT_DIFFERENT = 3
SHOWN = 20
NameArgument = Annotated[str, typer.Argument(help="The instance of s3-archive in hub.toml.")]

app = typer.Typer(
    no_args_is_help=True, help="Compare the archive with the store, or rebuild a store from it."
)


def load_archive(config: Config, name: str) -> S3Archive:
    """Return an instance of s3-archive; raises ConfigError."""
    if name not in config.plugins:
        raise ConfigError(f"plugins.{name}: there is no such table in hub.toml")
    found = load_instance(name, config.plugins[name], config.hub.data_dir)
    if isinstance(found, Broken):
        raise ConfigError(*found.problems)
    if not isinstance(found.plugin, S3Archive):
        raise ConfigError(f"plugins.{name}: is no s3-archive")
    return found.plugin


@contextmanager
def _progress(what: str) -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar on a terminal's standard error, and nothing elsewhere."""
    with Progress(console=complaints, transient=True, disable=not complaints.is_terminal) as shown:
        yield shown, shown.add_task(what, total=None)


@app.command()
@plainly
def verify(
    name: NameArgument = "s3-archive",
    deep: Annotated[bool, typer.Option("--deep", help="Read every object back.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Compare the archive with the store: missing, differing and strange objects. The hub may run meanwhile.

    Exit code 0: all that was archived is there. 3: objects are missing or differ.
    """
    settings = read_config(config)
    archive = load_archive(settings, name)
    frames = FrameStore(settings.hub.data_dir / "frames")
    findings = asyncio.run(
        read_store(config, lambda engine: _compare(engine, name, archive, frames, deep=deep))
    )
    if json:
        print_json(asdict(findings))
    else:
        _print_findings(findings)
    if not findings.well:
        raise typer.Exit(EXIT_DIFFERENT)


async def _compare(
    engine: Database, name: str, archive: S3Archive, frames: FrameStore, *, deep: bool
) -> Findings:
    settled, log = await Settled.now(engine, name), EventLog(engine)
    check = Check(archive, deep=deep)
    with _progress("comparing") as (shown, task):
        async with archive.place:
            await check.list_all()
            await check.compare_batches(log.by_ids)
            shown.update(task, total=await log.newest_id())
            async for events, done in settled.pages():
                pairs = zip(events, done, strict=True)
                await check.compare([Expected(e, d, FrameOnDisk.of(e, frames)) for e, d in pairs])
                shown.update(task, completed=events[-1].id)
    return check.finish()


def _print_findings(findings: Findings) -> None:
    console.print(f"{findings.compared} objects compared, {findings.waiting} events not archived")
    kinds = {"missing": findings.missing, "differing": findings.differing, "strange": findings.strange}
    for kind, keys in kinds.items():
        if keys:
            shown = f", the first {SHOWN}" if len(keys) > SHOWN else ""
            print_table(f"{len(keys)} {kind}{shown}", ("object",), ((key,) for key in keys[:SHOWN]))
    if findings.well:
        console.print("all that was archived is there")


@app.command()
@plainly
def restore(name: NameArgument = "s3-archive", config: ConfigOption = None, json: JsonOption = False) -> None:
    """Rebuild events and frames from the archive, in an empty data folder; no hub may run there.

    One that was interrupted goes on when it is started again. Exit code 3: something could not be read.
    """
    settings = read_config(config)
    archive = load_archive(settings, name)
    count, problems = asyncio.run(_restore(archive, name, settings.hub.data_dir))
    if json:
        print_json({"events": count, "problems": problems})
    else:
        console.print(f"{count} events are in the store")
        for problem in problems[:SHOWN]:
            complaints.print(as_shown(problem), style="red")
        if len(problems) > SHOWN:
            complaints.print(f"and {len(problems) - SHOWN} more; --json has them all")
    if problems:
        raise typer.Exit(EXIT_DIFFERENT)


async def _restore(archive: S3Archive, name: str, data_dir: Path) -> tuple[int, list[str]]:
    reading = Reading(archive)
    with restoring(data_dir, archive.place.name) as store, _progress("restoring") as (shown, task):
        async with archive.place:
            async for found in reading.read():
                await asyncio.to_thread(store.add, [_as_restored(one) for one in found])
                shown.update(task, total=reading.total, advance=len(found))
        return await asyncio.to_thread(store.finish, name), reading.problems


def _as_restored(one: Archived) -> Restored:
    return one.event, one.record, one.picture

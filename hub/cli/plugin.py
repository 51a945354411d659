"""`lenshub plugin new` and `lenshub plugin test`: for those who write plugins."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.shared import (
    EXIT_ERROR,
    ConfigOption,
    JsonOption,
    as_shown,
    console,
    plainly,
    print_json,
    print_table,
)
from hub.config import Config, read_config
from hub.dispatch.frame import FrameOnDisk
from hub.errors import HubError
from hub.event import NewEvent
from hub.loading import installed_plugins
from hub.scaffold import names_of, write_package
from hub.store.database import Database
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.overview import reading

Sample = tuple[str, NewEvent, bytes | None]
"""What to call it, the event, its picture."""

app = typer.Typer(no_args_is_help=True, help="Write a plugin, and try one.")


@app.command()
@plainly
def new(
    name: Annotated[str, typer.Argument(help="What hub.toml will call it, such as door-bell.")],
    into: Annotated[
        Path | None, typer.Option(help="The folder to write.", show_default="lenshub-NAME here")
    ] = None,
) -> None:
    """Write a complete package for a new plugin: code, settings, tests, README, entry point.

    Example: lenshub plugin new door-bell
    """
    names_of(name)
    if taken := installed_plugins().get(name):
        raise HubError(f"a plugin {name!r} is installed already ({taken.value}); choose another name")
    folder = into or Path(f"lenshub-{name}")
    for path in write_package(name, folder):
        console.print(as_shown(f"wrote {folder / path}"))
    console.print(
        as_shown(
            f"\nNext, in the environment that LensHub runs in:\n"
            f"  cd {shlex.quote(str(folder))} && pip install -e '.[test]' && pytest\n"
            f"  lenshub plugins show {name}   its settings, and a table for hub.toml\n"
            f"  lenshub plugin test {name}    sample events, and what can go wrong\n"
            f"  lenshub enable {name}         deliver to it, at once if the hub runs\n"
            f"After a change of the code start the hub again."
        )
    )


@app.command("test")
@plainly
def try_out(
    name: Annotated[str, typer.Argument(help="An instance of hub.toml, or an installed plugin.")],
    fault: Annotated[
        list[str] | None,
        typer.Option(help="duplicate, error, slow, crash or none; may be given again. Default: all of them."),
    ] = None,
    event: Annotated[
        list[int] | None, typer.Option(help="A stored event instead of the samples; may be given again.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to deliver for real.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Deliver events to one plugin in this process, each with each fault, and say what came of it.

    What the plugin does to the outside takes place: an instance of hub.toml is asked about first. Its folders
    are in a temporary place, and no running hub notices. Exit code 1 if an event could not be delivered after
    its fault was over.

    Example: lenshub plugin test door-bell --fault crash --fault slow
    """
    faults = _check_faults(fault)
    settings = read_config(config)
    table = settings.plugins.get(name)
    if table is None and name not in installed_plugins():
        known = ", ".join(sorted({*settings.plugins, *installed_plugins()}))
        raise HubError(f"no plugin {name!r} is in hub.toml or installed (there are: {known})")
    if table is not None and not yes:
        typer.confirm(f"Deliver with the settings of plugins.{name}, for real?", abort=True, err=True)
    reports = asyncio.run(_try(name, table or {}, settings, event or [], faults))
    if json:
        print_json(reports)
    else:
        rows = ((r["event"], r["fault"], _came(r)) for r in reports)
        print_table(f"Deliveries to {name}", ("event", "fault", "what came of it"), rows)
        _print_traces(reports)
    if any(r["attempts"][-1]["outcome"] == "retrying" for r in reports):
        raise typer.Exit(EXIT_ERROR)


def _check_faults(given: Sequence[str] | None) -> list[str]:
    from hub.testing.faults import FAULTS  # with SQLAlchemy behind it; `lenshub --help` need not wait

    known = ("none", *FAULTS)
    for one in given or ():
        if one not in known:
            raise HubError(f"--fault {one}: unknown (known: {', '.join(known)})")
    return list(given or known)


async def _try(
    name: str, table: Mapping[str, Any], settings: Config, event_ids: Sequence[int], faults: Sequence[str]
) -> list[dict[str, Any]]:
    from hub.testing.stage import PluginStage

    samples = await _read_events(settings.hub.data_dir, event_ids) if event_ids else _make_samples()
    reports = []
    with tempfile.TemporaryDirectory(prefix="lenshub-plugin-") as folder:
        async with PluginStage.open(name, Path(folder), **table) as stage:
            if not stage.delivers:
                raise HubError(f"plugin {name} has no deliver; `lenshub decode` shows what it decodes")
            for told, event, picture in samples:
                for fault in faults:
                    injected: Any = None if fault == "none" else fault
                    attempts = await stage.deliver(event, picture, fault=injected)
                    reports.append(
                        {"event": told, "fault": fault, "attempts": [asdict(one) for one in attempts]}
                    )
    return reports


def _make_samples() -> list[Sample]:
    from hub.testing.samples import make_event, make_picture

    return [
        ("a thumb, with a picture", make_event(device="sample"), make_picture()),
        ("a thumb, without", make_event(device="sample"), None),
        ("nothing seen", make_event(None, device="sample"), None),
    ]


async def _read_events(data_dir: Path, ids: Sequence[int]) -> list[Sample]:
    async with reading(data_dir) as engine:
        return await _stored(engine, data_dir, ids)


async def _stored(engine: Database, data_dir: Path, ids: Sequence[int]) -> list[Sample]:
    found = {event.id: event for event in await EventLog(engine).by_ids(list(ids))}
    if missing := sorted(set(ids) - found.keys()):
        raise HubError(f"no event {missing[0]}; `lenshub events` shows what there is")
    samples: list[Sample] = []
    for number in ids:
        event = found[number]
        frame = FrameOnDisk.of(event, FrameStore(data_dir / "frames"))
        values = event.model_dump(exclude={"id", "received_at", "amends", "kind", "key", "frame"})
        samples.append((f"event {number}", NewEvent(**values), await frame.read() if frame else None))
    return samples


def _came(report: Mapping[str, Any]) -> str:
    if missed := report["attempts"][0]["missed"]:
        return f"not applicable: {missed}"
    return " -> ".join(map(_shown, report["attempts"]))


def _print_traces(reports: Sequence[Mapping[str, Any]]) -> None:
    """Print where the plugin's code failed, each place once."""
    failed = {one["trace"]: one["reason"] for r in reports for one in r["attempts"] if one["trace"]}
    for trace, reason in failed.items():
        lines = "\n".join(f"  {line}" for line in trace)
        console.print(as_shown(f"\n{reason}\n{lines}"), soft_wrap=True)


def _shown(attempt: Mapping[str, str]) -> str:
    said = attempt["note"] or attempt["reason"]
    return f"{attempt['outcome']} ({said})" if said else attempt["outcome"]

"""`lenshub replay` and `lenshub replays`: deliver stored events to a plugin once more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.operate import PluginArgument, have_done
from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    LimitOption,
    console,
    plainly,
    print_json,
    print_table,
    read_instance,
    read_store,
    refuse_idle,
)
from hub.commands.command import StartReplay, StopReplay
from hub.dispatch.instance import InstanceSettings
from hub.dispatch.replay import foresee
from hub.errors import ConfigError, HubError
from hub.loading import read_settings
from hub.store.database import Database
from hub.store.log import EventLog
from hub.store.replays import Replay, list_replays

SHOWN_IDS = 12


@plainly
def replay(
    plugin: PluginArgument,
    since: Annotated[
        datetime | None, typer.Option(help="Events captured at this time (UTC) or later.")
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", min=1, max=2**63 - 1, help="Events from this id on.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", min=1, max=2**63 - 1, help="Events up to this id.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was delivered before; the effects ledger still holds.")
    ] = False,
    any_age: Annotated[bool, typer.Option("--any-age", help="Also what is older than max_age_s.")] = False,
    rate: Annotated[float, typer.Option(min=0.01, max=10_000, help="Deliveries a second at most.")] = 20.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be delivered.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Deliver stored events to a plugin once more, as its `match` is now; its place in the log stays.

    What it was delivered before is left out, and so is what may have taken place (unknown).

    Example: lenshub replay s3-archive --since 2026-11-20T08:00:00 --dry-run
    """
    if (since is None) == (first is None):
        raise HubError(
            "say from when on with --since TIME, or from which event on with --from ID (one of them)"
        )
    if first and last and last < first:
        raise HubError(f"--to {last} is before --from {first}")
    moment = since.replace(tzinfo=since.tzinfo or UTC) if since else None
    begin = first or asyncio.run(read_store(config, lambda engine: _find_first(engine, moment)))
    command = StartReplay(
        plugin=plugin,
        first=begin,
        last=last or 2**63 - 1,
        per_second=rate,
        again=again,
        any_age=any_age,
        since=moment,
    )
    if dry_run:
        _foretell(config, command, json=json)
    else:
        have_done(config, command, json=json)


async def _find_first(engine: Database, since: datetime | None) -> int:
    found = None if since is None else await EventLog(engine).first_since(since)
    if found is None:
        raise HubError(f"no event was captured at {since:%Y-%m-%d %H:%M:%S} UTC or later")
    return found


def _foretell(config: Path | None, command: StartReplay, *, json: bool) -> None:
    problems, settings = read_settings(command.plugin, read_instance(config, command.plugin))
    if problems:
        raise ConfigError(*problems)
    refuse_idle(config, command.plugin, "replayed")
    found = asyncio.run(read_store(config, lambda engine: _foresee(engine, command, settings)))
    if json:
        print_json(found)
        return
    wanted = found["delivered"]
    shown = ", ".join(map(str, wanted[:SHOWN_IDS])) + (", ..." if len(wanted) > SHOWN_IDS else "")
    count = "1 event" if len(wanted) == 1 else f"{len(wanted)} events"
    console.print(f"would deliver {count} to {command.plugin}" + (f": {shown}" if shown else ""))
    for why in ("had before", "not wanted", "too old"):
        console.print(f"{why:>13}: {len(found[why])}")


async def _foresee(engine: Database, command: StartReplay, settings: InstanceSettings) -> dict[str, Any]:
    event_log = EventLog(engine)
    position = (await event_log.past(command.plugin)).position
    values = command.model_dump(exclude={"action"}) | {"last": min(command.last, position)}
    found = await foresee(event_log, Replay(0, **values), settings, datetime.now(UTC))
    return {str(why): ids for why, ids in found.items()}


@plainly
def replays(
    stop: Annotated[
        int | None, typer.Option(min=1, max=2**63 - 1, help="End the replay of this number.")
    ] = None,
    limit: LimitOption = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List replays, newest first: how far each has come and what came of it; or end one.

    Example: lenshub replays --stop 3
    """
    if stop is not None:
        have_done(config, StopReplay(number=stop), json=json)
        return
    found = asyncio.run(read_store(config, lambda engine: list_replays(engine, limit)))
    if json:
        print_json(found)
        return
    rows = ((r["id"], r["plugin"], f"{r['first']} to {r['last']}", _state(r), _outcomes(r)) for r in found)
    print_table("Replays", ("number", "plugin", "events", "state", "outcomes"), rows)


def _state(found: dict[str, Any]) -> str:
    return found["end"] or f"at event {found['position']}"


def _outcomes(found: dict[str, Any]) -> str:
    counts = {**found["outcomes"], "had before": found["had_before"], "not wanted": found["filtered"]}
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)

"""`lenshub match`: try a match table on stored events."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from hub.cli.events import in_utc, list_seen
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
from hub.dispatch.match import Match
from hub.dispatch.match_memory import MatchMemory
from hub.errors import ConfigError
from hub.event import Event
from hub.problems import describe_problems
from hub.store.log import EventFilter, EventLog

NO_NEWS = "new_after_s or once_within_s: no news, seen or let through shortly before"

app = typer.Typer(no_args_is_help=True, help="Try which events a match table takes.")


@app.callback()
def main() -> None:
    """Try which events a match table takes."""


@app.command("try")
@plainly
def try_(
    plugin: Annotated[str | None, typer.Argument(help="Try the match of this instance in hub.toml.")] = None,
    table: Annotated[
        str | None, typer.Option(help="Or try this one, as it would stand between the braces.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Only captured at this time (UTC) or later.")] = None,
    limit: LimitOption = 50,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show which of the newest stored events a match takes, and why not the others. Nothing is delivered.

    Example: lenshub match try --table 'labels = ["thumbs-*"], min_confidence = 0.8'
    """
    match = _read_match(config, plugin, table)
    if plugin is not None:
        refuse_idle(config, plugin, "matched")
    wanted = EventFilter(since=in_utc(since))
    events = asyncio.run(read_store(config, lambda engine: EventLog(engine).newest(wanted, limit)))
    tried = list(try_match(match, reversed(events)))[::-1]
    if json:
        print_json([{"event": event.id, "taken": not reason, "reason": reason} for event, reason in tried])
        return
    print_table(
        "Events", ("id", "captured (UTC)", "device", "camera", "seen", "taken", "why not"), map(_row, tried)
    )
    console.print(f"{sum(not reason for _, reason in tried)} of {len(tried)} events taken")


def try_match(match: Match, events: Iterable[Event]) -> Iterator[tuple[Event, str]]:
    """Yield each event, oldest first, with why it is not taken, or "" where it is."""
    memory = MatchMemory(match)
    for event in events:
        reason = match.refusal(event) or ""
        if not reason and match.has_memory and memory.take(event) is None:
            reason = NO_NEWS
        yield event, reason


def _row(tried: tuple[Event, str]) -> tuple[str | None, ...]:
    event, reason = tried
    captured = f"{event.captured_at:%Y-%m-%d %H:%M:%S}"
    taken = "no" if reason else "yes"
    return str(event.id), captured, event.device, event.camera, list_seen(event), taken, reason


def _read_match(config: Path | None, plugin: str | None, table: str | None) -> Match:
    if (plugin is None) == (table is None):
        raise ConfigError("name an instance of hub.toml, or give a match with --table")
    place, found = _read_table(config, plugin, table)
    try:
        return Match.model_validate(found)
    except ValidationError as error:
        raise ConfigError(*describe_problems(error, place, Match)) from error


def _read_table(config: Path | None, plugin: str | None, table: str | None) -> tuple[str, Any]:
    if table is not None:
        try:
            return "--table", tomllib.loads(f"match = {{{table}}}")["match"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"--table: is not TOML: {error}") from error
    return f"plugins.{plugin}.match", read_instance(config, plugin or "").get("match", {})

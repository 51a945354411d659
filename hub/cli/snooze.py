"""`lenshub snooze`: leave me alone for a while."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    console,
    plainly,
    print_json,
    print_table,
    read_instance,
    read_store,
    refuse_idle,
)
from hub.errors import ConfigError
from hub.store import suppression

LONGEST = timedelta(days=366)
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def parse_duration(text: str) -> timedelta:
    """Return what `90s`, `30m`, `2h`, `1h30m` or `2d` says.

    Raises:
        ConfigError: It says nothing, or more than a year.
    """
    found = _DURATION.fullmatch(text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta() < duration <= LONGEST:
        raise ConfigError(
            f"--for: must be a time such as 90s, 30m, 2h, 1h30m or 2d, at most a year, found {text!r}"
        )
    return duration


@plainly
def snooze(
    plugin: Annotated[
        str | None, typer.Argument(help="The instance; without it, those snoozed are listed.")
    ] = None,
    for_: Annotated[str | None, typer.Option("--for", help="For how long: 90s, 30m, 2h, 1h30m, 2d.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Until this time (UTC).")] = None,
    off: Annotated[bool, typer.Option("--off", help="End it now.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Hold back everything from one plugin for a while; a running hub takes notice within a second.

    What is held back is skipped; a plugin with digests tells of it afterwards.

    Example: lenshub snooze threshold-alerts --for 2h
    """
    now = datetime.now(UTC)
    if plugin is not None:
        _change(config, plugin, _find_end(for_, until, now, off=off), now)
    elif for_ or until or off:
        raise ConfigError("name the plugin to snooze, such as `lenshub snooze threshold-alerts --for 2h`")
    found = asyncio.run(read_store(config, lambda engine: suppression.list_snoozes(engine, now)))
    if json:
        print_json({name: end.isoformat() for name, end in found.items()})
        return
    print_table(
        "Snoozed", ("plugin", "until (UTC)"), [(n, f"{e:%Y-%m-%d %H:%M:%S}") for n, e in found.items()]
    )
    if plugin in found:
        console.print("Events of this time are held back, not delayed; `--off` ends it.", style="dim")


def _change(config: Path | None, plugin: str, end: datetime | None, now: datetime) -> None:
    read_instance(config, plugin)
    if end is not None:
        refuse_idle(config, plugin, "snoozed")
    asyncio.run(read_store(config, lambda engine: suppression.snooze(engine, plugin, end, now)))


def _find_end(for_: str | None, until: datetime | None, now: datetime, *, off: bool) -> datetime | None:
    if sum((for_ is not None, until is not None, off)) != 1:
        raise ConfigError("say how long with one of --for, --until and --off")
    if for_ is not None:
        return now + parse_duration(for_)
    if until is None:
        return None
    end = until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC)
    if not now < end <= now + LONGEST:
        raise ConfigError(f"--until: must be in the coming year, found {end:%Y-%m-%d %H:%M:%S} UTC")
    return end

"""`lenshub status`: one screen of the whole hub."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import typer

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    as_shown,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.config import read_config
from hub.instances import outcomes, says, shown_state, trouble
from hub.status import Status, read_status
from hub.words import as_usd, count_of

EXIT_ATTENTION = 3


@plainly
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show the whole hub on one screen: devices, instances, pictures, money, review, and what is wrong.

    Exits with 0 if all is well, with 3 if something needs attention; with 1 if it cannot be told.

    Example: lenshub status
    """
    settings, now = read_config(config), datetime.now(UTC)
    found = asyncio.run(read_store(config, lambda engine: read_status(settings, engine, now)))
    if json:
        print_json(asdict(found))
    else:
        _print(found, now)
    if found.problems:
        raise typer.Exit(EXIT_ATTENTION)


def _print(found: Status, now: datetime) -> None:
    style = "bold red" if found.problems else "bold green"
    console.print(
        f"{count_of(len(found.problems), 'problem')}" if found.problems else "all is well", style=style
    )
    for line in found.problems:
        console.print(as_shown(f"  {line}"))
    console.print()
    for line in _list_facts(found, now):
        console.print(as_shown(line))
    for title, columns, rows in _list_tables(found):
        if rows:
            console.print()
            print_table(title, columns, rows)


def _list_facts(found: Status, now: datetime) -> list[str]:
    newest, size = found.newest, f"{found.database_bytes / 2**20:,.1f} MB"
    last = "no event yet"
    if newest is not None:
        last = f"newest event {newest['id']:,} of {newest['device']}, {_ago(newest['received_at'], now)}"
    facts = [
        f"hub     {'running' if found.running else 'not running'}",
        f"store   {found.data_dir}: {size}, {found.free_bytes / 2**30:,.1f} GB free; {last}",
    ]
    if found.review:
        counts = ", ".join(f"{count:,} {state}" for state, count in found.review.items() if count)
        facts.append(f"review  {count_of(sum(found.review.values()), 'event')} captured: {counts}")
    if found.quarantine:
        refused = ", ".join(f"{count:,} {code}" for code, count in sorted(found.quarantine.items()))
        facts.append(f"refused {refused}")
    return facts


def _list_tables(found: Status) -> list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
    devices = [
        (one["name"], one["state"], f"{one['last_seen_at']:%Y-%m-%d %H:%M:%S}", f"{one['events']:,}")
        for one in found.devices
    ]
    instances = [
        (one["plugin"], shown_state(one), one.get("behind"), outcomes(one), says(one), trouble(one))
        for one in found.instances
    ]
    spending = [
        (one.plugin, _of(one.day, one.day_budget), _of(one.month, one.month_budget)) for one in found.spending
    ]
    batches = [
        (
            one.plugin,
            one.number,
            one.state,
            one.pictures,
            None if one.usd is None else as_usd(one.usd),
            one.note,
        )
        for one in found.batches
    ]
    return [
        ("Devices", ("device", "state", "last seen (UTC)", "events"), devices),
        ("Instances", ("instance", "state", "behind", "outcomes", "says", "trouble"), instances),
        ("Spending", ("instance", "USD in 24 hours", "USD this month (UTC)"), spending),
        ("Batches of this month", ("instance", "number", "state", "pictures", "USD", "says"), batches),
    ]


def _of(usd: float, budget: float | None) -> str:
    return as_usd(usd) if budget is None else f"{as_usd(usd)} of {as_usd(budget)}"


def _ago(moment: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest unit that fits twice."""
    seconds = max(0.0, (now - moment).total_seconds())
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{count_of(int(seconds // size), unit)} ago"
    return f"{count_of(int(seconds), 'second')} ago"

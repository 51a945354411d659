"""`lenshub alerts`: which alerts there were, and that somebody has seen one."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    LimitOption,
    as_shown,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.config import read_config
from hub.store.alerts import AlertSeen, acknowledge, list_alerts
from hub.store.database import Database
from hub.store.log import EventLog

app = typer.Typer(no_args_is_help=True, help="Look at alerts, and say that you have seen one.")

PluginOption = Annotated[str | None, typer.Option(help="Only of this plugin instance.")]


@app.command("list")
@plainly
def list_(
    plugin: PluginOption = None,
    limit: LimitOption = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List alerts, newest first, with what came of them.

    Example: lenshub alerts list --plugin freezer
    """

    async def ask(engine: Database) -> list[AlertSeen]:
        return await EventLog(engine).ask(partial(list_alerts, plugin=plugin, limit=limit))

    found = asyncio.run(read_store(config, ask))
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = (
        (*_named(one), f"{one.began_at:%Y-%m-%d %H:%M:%S}", _state(one), one.sent, one.unknown)
        for one in found
    )
    print_table("Alerts", ("alert", "plugin", "place", "began (UTC)", "state", "sent", "unknown"), rows)


@app.command()
@plainly
def ack(
    alert: Annotated[str, typer.Argument(help="The alert's name, as `lenshub alerts list` shows it.")],
    plugin: PluginOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Acknowledge an alert: nobody else is told of it. Its end still is.

    Example: lenshub alerts ack 42
    """

    async def open_only(engine: Database) -> None:
        """The store is there, and of this version."""

    asyncio.run(read_store(config, open_only))
    found = acknowledge(read_config(config).hub.data_dir, alert, plugin)
    if json:
        print_json(asdict(found))
        return
    console.print(as_shown(f"alert {found.alert} of {found.plugin} is acknowledged"))


def _named(alert: AlertSeen) -> tuple[str, str, str]:
    return alert.alert, alert.plugin, alert.place


def _state(alert: AlertSeen) -> str:
    over = f"over at {alert.ended_at:%H:%M:%S}" if alert.ended_at else ""
    seen = f"acknowledged at {alert.acknowledged_at:%H:%M:%S}" if alert.acknowledged_at else ""
    return ", ".join(part for part in (over, seen) if part) or "not acknowledged"

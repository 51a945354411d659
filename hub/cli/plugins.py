"""`lenshub plugins` and `lenshub deliveries`: how plugins are doing."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated, Any

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
from hub.errors import HubError
from hub.instances import join_instances, outcomes, read_instances, says, shown_state, trouble
from hub.loading import installed_plugins, list_hooks, load_class
from hub.settings_table import Setting, example_table, list_settings, settings_schema, show_set
from hub.store import overview
from hub.store.database import database_path


def _collect(config: Path | None) -> list[dict[str, Any]]:
    settings = read_config(config)
    stored: dict[str, dict[str, Any]] = {}
    if database_path(settings.hub.data_dir).exists():
        stored = asyncio.run(read_store(config, partial(read_instances, tables=settings.plugins)))
    return join_instances(settings, stored)


app = typer.Typer()


@app.callback(invoke_without_command=True)
@plainly
def plugins(context: typer.Context, config: ConfigOption = None, json: JsonOption = False) -> None:
    """List plugin instances: whether each runs, how far it is behind, what came of its deliveries.

    Example: lenshub plugins show tweet
    """
    if context.invoked_subcommand is not None:
        return
    found = _collect(config)
    if json:
        print_json(found)
        return
    rows = [(f["plugin"], shown_state(f), f.get("behind"), outcomes(f), says(f), trouble(f)) for f in found]
    print_table("Plugins", ("instance", "state", "behind", "outcomes", "says", "trouble"), rows)
    print_table(
        "Installed", ("plugin", "from"), ((n, e.value) for n, e in sorted(installed_plugins().items()))
    )


@app.command()
@plainly
def show(
    name: Annotated[str, typer.Argument(help="An installed plugin, or an instance of hub.toml.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show a plugin's settings: types, defaults, meanings, what an instance sets, and a table to begin with.

    Example: lenshub plugins show retraining
    """
    tables = read_config(config).plugins
    table = tables.get(name, {})
    installed, used = installed_plugins(), str(table.get("use", name))
    if used not in installed:
        raise HubError(f"no plugin {used!r} is installed (installed: {', '.join(sorted(installed))})")
    factory = load_class(installed[used])
    model = factory.Settings
    if json:
        facts = {"plugin": used, "from": installed[used].value, "hooks": list_hooks(factory)}
        print_json(facts | {"schema": settings_schema(model), "example": example_table(name, model, used)})
        return
    console.print(as_shown(f"{used}, from {installed[used].value}; hooks: {', '.join(list_hooks(factory))}"))
    _print_settings(list_settings(model), table if name in tables else None)
    console.print("\n" + as_shown(example_table(name, model, used)), end="", soft_wrap=True)


def _print_settings(settings: list[Setting], table: dict[str, Any] | None) -> None:
    """Print a table; for an instance with what it sets, as `here`."""
    columns = ["setting", "type", "default", "meaning"]
    rows = [[s.name, s.type, "must be set" if s.required else s.default or None, s.meaning] for s in settings]
    if table is not None:
        here = show_set(settings, table)
        columns.insert(3, "here")
        for row in rows:
            row.insert(3, here.get(str(row[0])))
    print_table("Settings", columns, rows)


@plainly
def deliveries(
    plugin: Annotated[str | None, typer.Option(help="Only of this instance.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Only done, skipped, retrying, running, parked, dead or unknown.")
    ] = None,
    event: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, help="Only of this event.")] = None,
    limit: LimitOption = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List deliveries, newest first; those that succeeded and left no note have no entry.

    Example: lenshub deliveries --outcome dead
    """
    found = asyncio.run(
        read_store(
            config,
            lambda engine: overview.list_deliveries(
                engine, plugin=plugin, outcome=outcome, event_id=event, limit=limit
            ),
        )
    )
    if json:
        print_json(found)
        return
    rows = (
        (d["event_id"], d["plugin"], d["outcome"], d["attempt"], d["due_at"] and f"{d['due_at']:%H:%M:%S}",
         "; ".join(part for part in (d["note"], d["reason"]) if part))
        for d in found
    )  # fmt: skip
    print_table("Deliveries", ("event", "plugin", "outcome", "attempt", "next (UTC)", "why"), rows)

"""`lenshub plugins` and `lenshub deliveries`: how plugins are doing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
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
from hub.images.orphans import list_orphans
from hub.loading import Broken, installed_plugins, list_hooks, load_class
from hub.program import load_plugins
from hub.settings_table import Setting, example_table, list_settings, settings_schema, show_set
from hub.store import overview
from hub.store.batches import list_open
from hub.store.database import Database, database_path, hub_is_running
from hub.store.log import EventLog
from hub.store.suppression import list_snoozes


async def _stored(engine: Database, tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what the store knows of each instance."""
    newest = await EventLog(engine).newest_id()
    counts = await overview.count_outcomes(engine)
    found: dict[str, dict[str, Any]] = {name: {"outcomes": outcomes} for name, outcomes in counts.items()}
    for cursor in await overview.list_cursors(engine):
        found[cursor["plugin"]] |= {"position": cursor["position"], "behind": newest - cursor["position"]}
    for state in await overview.list_plugin_states(engine):
        found.setdefault(state["plugin"], {}).update(state=state["state"], reason=state["reason"])
    for pause in await overview.list_pauses(engine):
        found.setdefault(pause["plugin"], {}).update(state="paused", reason=pause["reason"])
    for name, until in (await list_snoozes(engine, datetime.now(UTC))).items():
        found.setdefault(name, {})["snoozed_until"] = until
    for part in await overview.list_parts(engine):
        own = found.setdefault(part["plugin"], {}).setdefault("parts", {})
        own[part["part"]] = {"well": part["well"], "text": part["text"], "since": part["since"]}
    for name, facts in found.items():
        for outcome in ("retrying", "unknown", "dead", "running"):
            if rows := await overview.list_deliveries(engine, plugin=name, outcome=outcome, limit=1):
                facts.setdefault("last_error", rows[0]["reason"])
    for name, what in list_orphans(await EventLog(engine).ask(list_open), tables).items():
        found.setdefault(name, {})["open_batch"] = what
    return found


def _collect(config: Path | None) -> list[dict[str, Any]]:
    settings = read_config(config)
    stored: dict[str, dict[str, Any]] = {}
    if database_path(settings.hub.data_dir).exists():
        stored = asyncio.run(read_store(config, partial(_stored, tables=settings.plugins)))
    running = hub_is_running(settings.hub.data_dir)
    found = []
    for plugin in load_plugins(settings.plugins, settings.hub.data_dir):
        name = plugin.name if isinstance(plugin, Broken) else plugin.instance.name
        facts = {"plugin": name, "state": "never run", "reason": ""} | stored.pop(name, {})
        facts["isolation"] = settings.plugins[name].get("isolation", "none")
        if facts["state"] in {"running", "probing", "restarting"} and not running:
            facts |= {"state": "stopped", "reason": ""}
        if isinstance(plugin, Broken):
            facts |= {"state": plugin.state, "reason": "; ".join(plugin.problems)}
        found.append(facts)
    orphaned = {"state": "not in hub.toml", "reason": "its cursor is kept; name it again to go on from there"}
    found += [{"plugin": name} | facts | orphaned for name, facts in sorted(stored.items())]
    return found


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
    rows = [(f["plugin"], _state(f), f.get("behind"), _outcomes(f), _says(f), _trouble(f)) for f in found]
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


def _state(facts: dict[str, Any]) -> str:
    isolated = facts.get("isolation") == "process"
    return f"{facts['state']} (process)" if isolated else str(facts["state"])


def _outcomes(facts: dict[str, Any]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in facts.get("outcomes", {}).items() if count)


def _says(facts: dict[str, Any]) -> str:
    return _parts(facts, well=True)


def _trouble(facts: dict[str, Any]) -> str:
    snoozed = facts.get("snoozed_until")
    said = f"snoozed until {snoozed:%Y-%m-%d %H:%M:%S} UTC" if snoozed else ""
    if batch := facts.get("open_batch"):
        return f"batch {batch}"
    return facts["reason"] or said or _parts(facts, well=False) or facts.get("last_error") or ""


def _parts(facts: dict[str, Any], *, well: bool) -> str:
    """Return what the parts say that are well, or those that are not."""
    said = {part: one["text"] for part, one in facts.get("parts", {}).items() if one["well"] == well}
    return "; ".join(text if part == "status" else f"{part}: {text}" for part, text in said.items() if text)


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

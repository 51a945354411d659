"""`lenshub plugins` and `lenshub deliveries`: how plugins are doing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.shared import ConfigOption, JsonOption, LimitOption, plainly, print_json, print_table, read_store
from hub.config import read_config
from hub.loading import Broken, installed_plugins
from hub.program import load_plugins
from hub.store import overview
from hub.store.database import Database, database_path, hub_is_running
from hub.store.log import EventLog
from hub.store.suppression import list_snoozes


async def _stored(engine: Database) -> dict[str, dict[str, Any]]:
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
    for name, facts in found.items():
        for outcome in ("retrying", "unknown", "dead", "running"):
            if rows := await overview.list_deliveries(engine, plugin=name, outcome=outcome, limit=1):
                facts.setdefault("last_error", rows[0]["reason"])
    return found


def _collect(config: Path | None) -> list[dict[str, Any]]:
    settings = read_config(config)
    stored: dict[str, dict[str, Any]] = {}
    if database_path(settings.hub.data_dir).exists():
        stored = asyncio.run(read_store(config, _stored))
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


@plainly
def plugins(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List plugin instances: whether each runs, how far it is behind, what came of its deliveries."""
    found = _collect(config)
    if json:
        print_json(found)
        return
    rows = [(f["plugin"], _state(f), f.get("behind"), _outcomes(f), _trouble(f)) for f in found]
    print_table("Plugins", ("instance", "state", "behind", "outcomes", "trouble"), rows)
    print_table(
        "Installed", ("plugin", "from"), ((n, e.value) for n, e in sorted(installed_plugins().items()))
    )


def _state(facts: dict[str, Any]) -> str:
    isolated = facts.get("isolation") == "process"
    return f"{facts['state']} (process)" if isolated else str(facts["state"])


def _outcomes(facts: dict[str, Any]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in facts.get("outcomes", {}).items() if count)


def _trouble(facts: dict[str, Any]) -> str:
    snoozed = facts.get("snoozed_until")
    said = f"snoozed until {snoozed:%Y-%m-%d %H:%M:%S} UTC" if snoozed else ""
    return facts["reason"] or said or facts.get("last_error") or ""


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
    """List deliveries worth remembering, newest first; those that simply succeeded have no entry.

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

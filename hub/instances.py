"""How each plugin instance stands: what hub.toml says of it, and what the store knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hub.config import Config
from hub.images.orphans import list_orphans
from hub.loading import Broken
from hub.program import load_plugins
from hub.store import overview
from hub.store.batches import list_open
from hub.store.database import Database, hub_is_running
from hub.store.log import EventLog
from hub.store.suppression import list_snoozes

Facts = dict[str, Any]
ORPHANED = {"state": "not in hub.toml", "reason": "its cursor is kept; name it again to go on from there"}
RUNS = frozenset({"running", "probing", "restarting"})
_TROUBLED = ("retrying", "unknown", "dead", "running")


async def read_instances(engine: Database, tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Facts]:
    """Return what the store knows of each instance."""
    newest = await EventLog(engine).newest_id()
    counts = await overview.count_outcomes(engine)
    found: dict[str, Facts] = {name: {"outcomes": outcomes} for name, outcomes in counts.items()}
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
        for outcome in _TROUBLED:
            if rows := await overview.list_deliveries(engine, plugin=name, outcome=outcome, limit=1):
                facts.setdefault("last_error", rows[0]["reason"])
    for name, what in list_orphans(await EventLog(engine).ask(list_open), tables).items():
        found.setdefault(name, {})["open_batch"] = what
    return found


def join_instances(config: Config, stored: Mapping[str, Facts]) -> list[Facts]:
    """Return each instance of hub.toml, as the store knows it, then those that only the store knows."""
    left, running, found = dict(stored), hub_is_running(config.hub.data_dir), []
    for plugin in load_plugins(config.plugins, config.hub.data_dir):
        name = plugin.name if isinstance(plugin, Broken) else plugin.instance.name
        facts: Facts = {"plugin": name, "state": "never run", "reason": ""} | left.pop(name, {})
        facts["isolation"] = config.plugins[name].get("isolation", "none")
        if facts["state"] in RUNS and not running:
            facts |= {"state": "stopped", "reason": ""}
        if isinstance(plugin, Broken):
            facts |= {"state": plugin.state, "reason": "; ".join(plugin.problems)}
        else:
            facts["budgets"] = _budgets(plugin.plugin, config.plugins[name])
        found.append(facts)
    return found + [{"plugin": name} | facts | ORPHANED for name, facts in sorted(left.items())]


def _budgets(plugin: object, table: Mapping[str, Any]) -> dict[str, float]:
    """Return USD by "day" and "month", of settings named as those of the built-in plugins."""
    fields = getattr(getattr(plugin, "Settings", None), "model_fields", {})
    names = {period: f"budget_usd_per_{period}" for period in ("day", "month")}
    set_ = {p: table.get(n, fields[n].default if n in fields else None) for p, n in names.items()}
    return {period: float(usd) for period, usd in set_.items() if isinstance(usd, int | float)}


def says(facts: Facts) -> str:
    """Return what the parts say that are well."""
    return _parts(facts, well=True)


def trouble(facts: Facts) -> str:
    """Return what is wrong with an instance, or why it rests; "" if nothing is."""
    snoozed = facts.get("snoozed_until")
    said = f"snoozed until {snoozed:%Y-%m-%d %H:%M:%S} UTC" if snoozed else ""
    if batch := facts.get("open_batch"):
        return f"batch {batch}"
    return facts["reason"] or said or _parts(facts, well=False) or facts.get("last_error") or ""


def _parts(facts: Facts, *, well: bool) -> str:
    said = {part: one["text"] for part, one in facts.get("parts", {}).items() if one["well"] == well}
    return "; ".join(text if part == "status" else f"{part}: {text}" for part, text in said.items() if text)


def outcomes(facts: Facts) -> str:
    """Return how many deliveries came to what."""
    return ", ".join(f"{n:,} {outcome}" for outcome, n in facts.get("outcomes", {}).items() if n)


def shown_state(facts: Facts) -> str:
    """Return the state, with where it runs if that is a process of its own."""
    isolated = facts.get("isolation") == "process"
    return f"{facts['state']} (process)" if isolated else str(facts["state"])

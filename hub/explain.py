"""Explains what came of an event for each plugin, from cursors, rows and the matches that held."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from pydantic import BaseModel

from hub.dispatch.match import Match
from hub.dispatch.match_reason import find_repeat
from hub.event import Event
from hub.store import overview
from hub.store.database import Database
from hub.store.suppression import find_marked, find_told


class Explanation(BaseModel):
    """What came of one event for one plugin; times are ISO 8601 in UTC. `run` is "", or a replay's number."""

    plugin: str
    run: str = ""
    outcome: str
    reason: str = ""
    note: str = ""
    attempt: int = 0
    due_at: str | None = None


REMOVED = "it is not in hub.toml; name it again to go on from there"
OPEN = ("waiting", "retrying", "running", "parked")
HELD = {
    "failed": "it cannot run",
    "held back": "it cannot run",
    "paused": "it is paused",
    "probing": "its circuit breaker is open",
}


async def explain_event(
    engine: Database, event: Event, configured: Container[str] | None = None
) -> list[Explanation]:
    """Return one explanation for each plugin instance that the store knows.

    `configured` are the names of the instances in hub.toml, if known: what others have open stays so.
    """
    rows = {
        row["plugin"]: row for row in await overview.list_deliveries(engine, event_id=event.id, limit=10_000)
    }
    states = {row["plugin"]: row for row in await overview.list_plugin_states(engine)}
    states |= {row["plugin"]: {**row, "state": "paused"} for row in await overview.list_pauses(engine)}
    cursors = {row["plugin"]: row for row in await overview.list_cursors(engine)}
    told = await find_told(engine, event.id)
    marked = await find_marked(engine, event.id)
    found = []
    for name in sorted(cursors.keys() | states.keys()):
        if name in rows:
            found.append(_hold(_from_row(rows[name], told.get(name)), states.get(name)))
        elif name in cursors:
            matches = await overview.list_revisions(engine, name)
            explained = _from_cursor(name, cursors[name], matches, states.get(name), event)
            match = _find_match(matches, event)
            if explained.outcome == "done" and match.has_memory and name not in marked:
                explained = _as_filtered(name, await find_repeat(engine, name, match, event))
            found.append(explained)
        elif states[name]["state"] == "failed":  # else it has no deliver
            reason = states[name]["reason"]
            found.append(Explanation(plugin=name, outcome="waiting", reason=f"it cannot run: {reason}"))
    found += [_from_row(row, None) for row in await overview.list_replayed(engine, event.id)]
    return [one if configured is None or one.plugin in configured else _as_removed(one) for one in found]


def _as_removed(explanation: Explanation) -> Explanation:
    if explanation.outcome not in OPEN:
        return explanation
    return explanation.model_copy(update={"outcome": "waiting", "reason": REMOVED, "due_at": None})


def _find_match(matches: Sequence[dict[str, Any]], event: Event) -> Match:
    """Return the match that held when an event came."""
    held = [row["match"] for row in matches if row["from_id"] <= event.id]
    return Match.model_validate(held[-1]) if held else Match()


def _as_filtered(name: str, refusal: str) -> Explanation:
    return Explanation(plugin=name, outcome="skipped", reason=f"filter: {refusal}")


def _describe_digest(told: dict[str, Any]) -> str:
    if told["digest_id"] is None:
        return "; its digest waits for the quiet time to end"
    came_of_it = told["note"] or told["reason"]
    return f"; digest {told['digest_id']}: {told['outcome']}{f' ({came_of_it})' if came_of_it else ''}"


def _from_row(row: dict[str, Any], told: dict[str, Any] | None) -> Explanation:
    due_at = row["due_at"]
    return Explanation(
        plugin=row["plugin"],
        run=row["run_id"],
        outcome=row["outcome"],
        reason=row["reason"] + (_describe_digest(told) if told else ""),
        note=row["note"],
        attempt=row["attempt"],
        due_at=due_at.isoformat() if due_at else None,
    )


def _hold(explanation: Explanation, state: dict[str, Any] | None) -> Explanation:
    """Say of what is retrying why its clock stands still, where it does."""
    if explanation.outcome not in OPEN or state is None or state["state"] not in HELD:
        return explanation
    reason = "; ".join(part for part in (explanation.reason, _hold_reason(state)) if part)
    return explanation.model_copy(update={"reason": reason, "due_at": None})


def _hold_reason(state: dict[str, Any]) -> str:
    return f"{HELD[state['state']]}: {state['reason']}"


def _from_cursor(
    name: str,
    cursor: dict[str, Any],
    matches: Sequence[dict[str, Any]],
    state: dict[str, Any] | None,
    event: Event,
) -> Explanation:
    if event.id <= cursor["start"]:
        reason = f"it was enabled later, from event {cursor['start'] + 1} on"
        return Explanation(plugin=name, outcome="skipped", reason=reason)
    if event.id > cursor["position"]:
        held = state is not None and state["state"] in HELD
        reason = _hold_reason(state) if held and state else "not delivered yet"
        return Explanation(plugin=name, outcome="waiting", reason=reason)
    refusal = _find_match(matches, event).refusal(event)
    if refusal is not None:
        return _as_filtered(name, refusal)
    return Explanation(plugin=name, outcome="done", attempt=1)

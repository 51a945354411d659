"""Explains what came of an event for each plugin, from cursors, rows and the matches that held."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from pydantic import BaseModel

from hub.dispatch.match import Match
from hub.event import Event
from hub.store import overview
from hub.store.database import Database


class Explanation(BaseModel):
    """What came of one event for one plugin; times are ISO 8601 in UTC."""

    plugin: str
    outcome: str
    reason: str = ""
    note: str = ""
    attempt: int = 0
    due_at: str | None = None


REMOVED = "it is not in hub.toml; name it again to go on from there"
NOT_RUNNING = ("failed", "held back")
OPEN = ("waiting", "retrying", "running")


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
    cursors = {row["plugin"]: row for row in await overview.list_cursors(engine)}
    found = []
    for name in sorted(cursors.keys() | states.keys()):
        if name in rows:
            found.append(_from_row(rows[name]))
        elif name in cursors:
            matches = await overview.list_revisions(engine, name)
            found.append(_from_cursor(name, cursors[name], matches, states.get(name), event))
        else:
            reason = states[name]["reason"]
            found.append(Explanation(plugin=name, outcome="waiting", reason=f"it cannot run: {reason}"))
    return [one if configured is None or one.plugin in configured else _as_removed(one) for one in found]


def _as_removed(explanation: Explanation) -> Explanation:
    if explanation.outcome not in OPEN:
        return explanation
    return explanation.model_copy(update={"outcome": "waiting", "reason": REMOVED, "due_at": None})


def _from_row(row: dict[str, Any]) -> Explanation:
    due_at = row["due_at"]
    return Explanation(
        plugin=row["plugin"],
        outcome=row["outcome"],
        reason=row["reason"],
        note=row["note"],
        attempt=row["attempt"],
        due_at=due_at.isoformat() if due_at else None,
    )


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
        failed = state is not None and state["state"] in NOT_RUNNING
        reason = f"it cannot run: {state['reason']}" if failed and state else "not delivered yet"
        return Explanation(plugin=name, outcome="waiting", reason=reason)
    held = [row["match"] for row in matches if row["from_id"] <= event.id]
    refusal = Match.model_validate(held[-1]).refusal(event) if held else None
    if refusal is not None:
        return Explanation(plugin=name, outcome="skipped", reason=f"filter: {refusal}")
    return Explanation(plugin=name, outcome="done", attempt=1)

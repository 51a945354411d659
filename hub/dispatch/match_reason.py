"""Finds, in the log and the ledger, the earlier event because of which a match's memory ruled one out."""

from __future__ import annotations

from hub.dispatch.match import Match
from hub.dispatch.match_memory import object_of, seen_at
from hub.dispatch.place import place_of
from hub.event import Event
from hub.store.database import Database
from hub.store.log import EventLog
from hub.store.suppression import MARK, list_marks

EVENTS_READ = 500


async def find_repeat(engine: Database, plugin: str, match: Match, event: Event) -> str:
    """Return why a wanted event was no news, naming the setting and the event before it."""
    return (
        await _find_seen(engine, match, event)
        or await _find_let_through(engine, plugin, match, event)
        or "seen or let through shortly before"
    )


async def _find_seen(engine: Database, match: Match, event: Event) -> str | None:
    if match.new_after_s is None:
        return None
    objects = {object_of(found): found.label for found in match.wanted(event)}
    for earlier in await EventLog(engine).before(event.id - 1, EVENTS_READ, device=event.device):
        if place_of(earlier) != place_of(event) or match.refusal(earlier) is not None:
            continue
        age_s = abs((seen_at(event) - seen_at(earlier)).total_seconds())
        same = [objects[name] for found in match.wanted(earlier) if (name := object_of(found)) in objects]
        if same and age_s < match.new_after_s:
            said = f"{same[0]} was seen on {place_of(event)} {age_s:.1f} s before"
            return f"new_after_s: {said} (event {earlier.id})"
    return None


async def _find_let_through(engine: Database, plugin: str, match: Match, event: Event) -> str | None:
    if match.once_within_s is None:
        return None
    place = place_of(event)
    groups = [f"{MARK}{place}\n{found.label}" for found in match.wanted(event)]
    for mark in await list_marks(engine, plugin, groups, event.id - 1):
        age_s = abs((seen_at(event) - mark.at).total_seconds())
        if age_s < match.once_within_s:
            label = mark.group.partition("\n")[2]
            said = f"{label} on {place} was let through {age_s:.1f} s before"
            return f"once_within_s: {said} (event {mark.event_id})"
    return None

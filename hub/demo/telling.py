"""Tells what happens in a demo, one line an event, once every plugin has said what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.event import Event
from hub.explain import Explanation, explain_event
from hub.store.database import Database
from hub.store.log import EventLog

_OPEN = {"waiting", "running", "retrying"}
_DEEDS = {"s3-archive": "archived", "retraining": "kept for training", "threshold-alerts": "alert sent"}
TOLD_AT_ONCE = 500


class Teller:
    """Tells stored events in order, each once, as soon as it is settled for every plugin."""

    def __init__(self, engine: Database, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._position = 0

    async def tell_new(self) -> None:
        """Tell the settled events since last time, up to the first that is not settled."""
        for event in await EventLog(self._engine).after(self._position, TOLD_AT_ONCE):
            explanations = await explain_event(self._engine, event)
            if any(explanation.outcome in _OPEN for explanation in explanations):
                return
            self._tell(_line(event, explanations))
            self._position = event.id


def _line(event: Event, explanations: Sequence[Explanation]) -> str:
    seen = ", ".join(f"{d.label} {d.confidence:.0%}" for d in event.detections) or "nothing"
    told = "; ".join(_deed(explanation) for explanation in explanations)
    moment = f"{event.captured_at.astimezone():%H:%M:%S}"
    return f"{moment}  {event.device} saw {seen}  ->  stored as event {event.id}; {told}"


def _deed(explanation: Explanation) -> str:
    name, outcome = explanation.plugin, explanation.outcome
    if outcome == "done" and explanation.note.startswith("dry-run"):
        return f"{name}: dry run"
    if outcome == "done":
        return _DEEDS.get(name, f"{name}: done")
    reason = explanation.reason.split(" holds until")[0]
    return f"{name} {outcome} ({reason})" if outcome == "skipped" else f"{name} {outcome.upper()}: {reason}"

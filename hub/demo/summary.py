"""Adds up a demo: was anything lost, is everything settled, what did each plugin do?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from hub.store import overview
from hub.store.database import Database, database_path
from hub.store.log import EventLog

_OPEN = ("retrying", "running")


class Summary(BaseModel):
    """What came of a demo. `lost` records were spooled and are neither stored, quarantined nor in a gap."""

    frames: int
    detections: int
    events: int
    lost: int
    gaps: int
    deliveries: dict[str, dict[str, int]]
    paths: dict[str, str]

    def problems(self, plugins: list[str]) -> list[str]:
        """Return what keeps this demo from being a success."""
        found = [f"{self.lost} events were lost"] if self.lost else []
        return found + open_outcomes(self.deliveries, plugins)


def open_outcomes(deliveries: Mapping[str, Mapping[str, int]], plugins: Sequence[str]) -> list[str]:
    """Return which plugins did nothing, or have not come to a good end with everything."""
    found = []
    for name in plugins:
        outcomes = deliveries.get(name, {})
        if not outcomes.get("done"):
            found.append(f"{name} did nothing")
        found += [
            f"{outcomes[outcome]} deliveries of {name} are {outcome}"
            for outcome in (*_OPEN, "waiting", "dead", "unknown")
            if outcomes.get(outcome)
        ]
    return found


async def is_settled(engine: Database, plugins: list[str]) -> bool:
    """Whether every stored event has come to an end for every plugin."""
    newest = await EventLog(engine).newest_id()
    reached = {cursor["plugin"]: cursor["position"] for cursor in await overview.list_cursors(engine)}
    if any(reached.get(name, 0) < newest for name in plugins):
        return False
    counts = await overview.count_outcomes(engine)
    return not any(counts.get(name, {}).get(outcome) for name in plugins for outcome in _OPEN)


async def sum_up(engine: Database, folder: Path, plugins: list[str], *, frames: int, spooled: int) -> Summary:
    """Read the summary from the store; `frames` and `spooled` are the agent's counts."""
    counts = await overview.count_rows(engine)
    missing = sum(gap["last"] - gap["first"] + 1 for gap in await overview.list_gaps(engine))
    accounted = counts["events"] + counts["quarantine"] + missing
    outcomes = await overview.count_outcomes(engine)
    newest = await EventLog(engine).newest_id()
    for cursor in await overview.list_cursors(engine):
        if waiting := newest - cursor["position"]:
            outcomes[cursor["plugin"]]["waiting"] = waiting
    return Summary(
        frames=frames,
        detections=counts["detections"],
        events=counts["events"],
        lost=max(0, spooled - accounted),
        gaps=counts["gaps"],
        deliveries={name: as_people_count(outcomes.get(name, {})) for name in plugins},
        paths=_find_paths(folder),
    )


def _find_paths(folder: Path) -> dict[str, str]:
    places = {
        "archive": folder / "archive",
        "training": folder / "training",
        "database": database_path(folder),
    }
    return {name: str(path) for name, path in places.items() if path.exists()}


def as_people_count(outcomes: dict[str, int]) -> dict[str, int]:
    """What a filter did not want counts as skipped."""
    merged = {outcome: count for outcome, count in outcomes.items() if outcome != "filtered" and count}
    skipped = outcomes.get("filtered", 0) + outcomes.get("skipped", 0)
    return {**merged, "skipped": skipped} if skipped else merged

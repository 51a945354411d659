"""What the legs around effects share: stored events, and a hub that is killed while a far side hears of them.

The events are stored before the hub starts: the kills are about what follows.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from far_side import FarSide, in_thread
from killing import Flight, Killing, wait_until
from plan import Plan
from stage import Stage
from victim import Victim

from hub.decode.message import Decoded, Message
from hub.event import Detection, Frame, NewEvent
from hub.store.arrival import Arrival, Burst
from hub.store.database import upgrade
from hub.store.frames import FrameStore
from hub.store.writer import Writer

START_S = 60.0
SETTLE_S = 240.0
SPARE = 40
"""Events beyond the plan's: the last kill has to find something in flight, too."""
OPEN = """
SELECT (SELECT max(id) FROM events) > min(position) FROM cursors WHERE plugin = :name UNION ALL
SELECT count(*) > 0 FROM deliveries WHERE plugin = :name AND outcome IN ('running', 'retrying')
"""
OUTCOMES = """
SELECT e.id, coalesce(d.outcome, 'none') FROM events e
LEFT JOIN deliveries d ON d.event_id = e.id AND d.plugin = :name
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run: each event's outcome by its id, the kills, and how the hub ended at last."""

    stage: Stage
    killing: Killing
    outcomes: dict[int, str]
    exit_code: int

    def passed(self, plan: Plan) -> bool:
        """Whether it went as planned."""
        return len(self.killing.done) == plan.kills and self.exit_code == 0

    def with_outcome(self, outcome: str) -> list[int]:
        """Return the events that ended so."""
        return [event for event, found in self.outcomes.items() if found == outcome]


def make_arrival(picture: tuple[bytes, Frame] | None) -> Arrival:
    """Return a message with an event that sees one person, perhaps with a frame."""
    now, frame = datetime.now(UTC), picture[1] if picture else None
    seen = (Detection(label="person", confidence=0.9),)
    event = NewEvent(source="mqtt", device="porch", captured_at=now, detections=seen, frame=frame)
    decoded = Decoded(events=(event,), device="porch", picture=picture[0] if picture else None)
    return Arrival(Message("mqtt", "t", b"{}", now), decoded)


async def _store(data_dir: Path, arrivals: Sequence[Arrival]) -> None:
    await asyncio.to_thread(upgrade, data_dir)
    writer = await Writer.open(data_dir, FrameStore(data_dir / "frames"))
    writing = asyncio.create_task(writer.run())
    writer.add(Burst(tuple(arrivals), lambda _: None))
    writer.close()
    await writing


def _look(far_side: FarSide, _role: str, _victim: Victim) -> Flight | None:
    """Return how many requests are asked and not answered, so that nobody knows their end."""
    under_way = far_side.pauses.under_way
    return Flight({"requests under way": under_way}, far_side.effects()) if under_way else None


def run_around(
    folder: Path,
    plan: Plan,
    far_side: FarSide,
    name: str,
    table: str,
    pictures: Sequence[tuple[bytes, Frame]] = (),
    spare: int = SPARE,
) -> Run:
    """Deliver events to one plugin instance, kill the hub meanwhile, and wait until each has its outcome.

    Args:
        name: The instance's.
        table: Its tables in hub.toml; `{url}` stands for the far side's address.
        pictures: The frames of the first events; the others have none.
        spare: Events beyond the plan's.
    """
    count = plan.events + spare
    frames = [*pictures, *[None] * (count - len(pictures))]
    with in_thread(far_side):
        stage = Stage(folder, [], plan.mutant)
        asyncio.run(_store(stage.data_dir, [make_arrival(frame) for frame in frames[:count]]))
        with (folder / "hub.toml").open("a") as config:
            config.write(table.replace("{url}", far_side.url))
        everyone = [stage.broker, stage.hub]
        try:
            for victim in everyone:
                victim.start()
            wait_until(
                lambda: "mqtt.connected" in stage.hub.whole_log(), "the hub listens", START_S, everyone
            )
            killing = _kill(stage, plan, far_side, name)
            settled = partial(_is_settled, stage, name)
            wait_until(settled, "every event has its outcome", SETTLE_S, everyone)
            exit_code = stage.hub.stop()
        finally:
            for victim in everyone:
                victim.end()
    with closing(sqlite3.connect(stage.database)) as database:
        outcomes = dict(database.execute(OUTCOMES, {"name": name}).fetchall())
    return Run(stage, killing, outcomes, exit_code)


def _kill(stage: Stage, plan: Plan, far_side: FarSide, name: str) -> Killing:
    dice = random.Random(plan.seed)  # noqa: S311 - a plan
    hub = {"hub": [stage.hub]}
    look, goal = partial(_look, far_side), plan.events * far_side.each
    killing = Killing(hub, plan.kills, plan.together, look, lambda: 0, goal, dice)

    def count() -> int:
        """Return the effects so far, or 0 while the hub starts: made to stand still it never would."""
        starting = stage.hub.whole_log().count(f"plugin.running {name}") <= len(killing.done)
        return 0 if starting else far_side.effects()

    killing.progress = count
    killing.run()
    return killing


def _is_settled(stage: Stage, name: str) -> bool:
    with closing(sqlite3.connect(stage.database, timeout=10)) as database:
        return not any(row[0] for row in database.execute(OPEN, {"name": name}))

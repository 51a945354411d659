"""Reviews what was captured, as a person would who knows the truth."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.demo.score import match_boxes
from hub.config import read_config
from hub.demo.loop.footage import LABEL, Moment
from hub.errors import HubError
from hub.event import Box, Detection, Event
from hub.review.desk import Desk, open_desk
from hub.store.database import Database
from hub.store.log import EventLog
from hub.store.reviews import list_pending

NAME = "demo"
AT_ONCE = 50
GOOD_OVERLAP = 0.75
"""A box that overlaps the true one less is drawn anew."""
APPLY_S = 60.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Reviewed:
    """How often each strategy had chosen an event, and how often each verdict was given."""

    reasons: Counter[str]
    verdicts: Counter[str]


async def review(hub_toml: Path, engine: Database, moments: Sequence[Moment]) -> Reviewed:
    """Say of every captured event what is in its picture.

    Args:
        engine: Of the hub's store, for reading.

    Raises:
        HubError: The hub does not take the verdicts over.
    """
    config = read_config(hub_toml)
    said = Reviewed(Counter(), Counter())
    async with open_desk(config.hub.data_dir, config.review) as desk:
        while tasks := await desk.take(NAME, count=AT_ONCE):
            for task in tasks:
                said.reasons[task.reasons[0]] += 1
                said.verdicts[await _judge(desk, task.event, moments)] += 1
    await _wait_until_applied(EventLog(engine))
    return said


async def _judge(desk: Desk, event: Event, moments: Sequence[Moment]) -> str:
    number = event.attributes["frame_number"]
    truth = moments[number].boxes if isinstance(number, int) else ()
    if _is_right(event.detections, truth):
        await desk.accept(event.id, NAME)
        return "accepted"
    await desk.correct(event.id, NAME, [Detection(label=LABEL, confidence=1.0, box=box) for box in truth])
    return "corrected"


def _is_right(found: Sequence[Detection], truth: Sequence[Box]) -> bool:
    """Whether everything is found, and nothing else, with boxes that fit."""
    matches = match_boxes(found, truth)
    fits = all(one.overlap >= GOOD_OVERLAP for one in matches)
    return fits and len(found) == len(truth) == len(matches)


async def _wait_until_applied(log: EventLog) -> None:
    deadline = time.monotonic() + APPLY_S
    while await log.ask(lambda connection: list_pending(connection, 1)):
        if time.monotonic() > deadline:
            raise HubError(f"the hub has not taken over every verdict within {APPLY_S:.0f} s")
        await asyncio.sleep(LOOK_S)

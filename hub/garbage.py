"""When the hub looks for garbage, objects that refer to each other: rarely by count, and by the clock."""

from __future__ import annotations

import asyncio
import gc
from itertools import count

THRESHOLDS = (250_000, 20, 50)
"""Events in flight are many and free of cycles. Collecting at Python's default rate took a third of the time,
and at 50,000 still a tenth of it while a backlog comes and goes.
"""
YOUNG_S = 60.0
FULL_EVERY = 15
"""A count alone would let a few cycles with a picture each wait for long. What came within a minute is looked
through in a few ms, everything in 60.
"""


def collect_rarely() -> None:
    """Have Python look for garbage after so many more objects as suits the hub."""
    gc.set_threshold(*THRESHOLDS)


def leave_out_of_collections() -> None:
    """Let collections pass over what is loaded by now: looking through it takes tens of ms."""
    gc.collect()
    gc.freeze()


async def collect_by_the_clock(young_s: float = YOUNG_S, full_every: int = FULL_EVERY) -> None:
    """Look for garbage, each time among what is new and now and then among all, until cancelled."""
    for turn in count(1):
        await asyncio.sleep(young_s)
        gc.collect(2 if turn % full_every == 0 else 1)

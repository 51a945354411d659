"""A delivery under way."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from hub.dispatch.delivery import EventDelivery
from hub.event import Event


@dataclass(slots=True)
class Job:
    """One attempt. `event` is absent while a retry after a restart has not read it back yet.

    `has_row` says that the store has, or is about to have, a row for it; `settled` that its outcome is known.
    """

    event_id: int
    event: Event | None
    attempt: int
    has_row: bool
    started: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None
    timed_out: bool = False
    settled: bool = False
    delivery: EventDelivery | None = None

"""When a failed delivery is tried again. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 600.0
LONGEST_WAIT_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential pauses with full jitter above half, and a last attempt."""

    attempts: int
    chance: random.Random = field(default_factory=random.Random)

    def pause_s(self, attempt: int, after_s: float | None = None) -> float:
        """Return the seconds to wait after a failed `attempt` (from 1); never less than `after_s` asks."""
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20))
        pause = longest * self.chance.uniform(0.5, 1.0)
        return min(max(pause, after_s or 0.0), LONGEST_WAIT_S)

    def is_last(self, attempt: int) -> bool:
        """Whether a failed `attempt` was the last one."""
        return attempt >= self.attempts

"""What a plugin's process shows of itself in memory that the hub sees: what it has begun, whose code runs.

Setting a cell is a store to memory, so that it can be done for every delivery and every step of its code;
what stands there when the process ends tells the hub whom to blame, and who had not even begun.
"""

from __future__ import annotations

import mmap
import time

from hub.watchdog.presence import EVENT, ON_LOOP, STEP

BEGUN = 7
BYTES = 64
STUCK_S = 0.05


class Cells:
    """The cells of one process, in a file that was opened by the hub and inherited by the process.

    Args:
        descriptor: Of the open file; it may be closed once this is made.
    """

    def __init__(self, descriptor: int) -> None:
        self.cells = memoryview(mmap.mmap(descriptor, BYTES)).cast("Q")
        self._step, self._since = 0, time.monotonic()

    def number(self, _name: str) -> int:
        """Return the number of the only instance of the process."""
        return 1

    def begin(self, number: int) -> None:
        """Note that a delivery has begun: the numbers grow."""
        self.cells[BEGUN] = number

    def is_stuck(self) -> bool:
        """Whether the same step of somebody's code has run since it was last asked, some time ago."""
        step, now = self.cells[STEP], time.monotonic()
        if step != self._step:
            self._step, self._since = step, now
        return now - self._since > STUCK_S

    @property
    def begun(self) -> int:
        """The last delivery that was begun."""
        return self.cells[BEGUN]

    @property
    def on_loop(self) -> int:
        """The delivery, digest or tick whose code runs, or ran when the process ended; 0 for none."""
        return self.cells[EVENT] if self.cells[ON_LOOP] else 0

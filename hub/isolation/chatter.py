"""What a plugin's process writes to its stdout and stderr, on its way to the hub's log: named and bounded."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hub.authored import clean

log = logging.getLogger(__name__)

LONGEST_CHARS = 500
LINES = 50
WITHIN_S = 10.0
KEPT_BYTES = 4096
_LEVELS = {b"<3>": logging.ERROR, b"<4>": logging.WARNING, b"<6>": logging.INFO, b"<7>": logging.DEBUG}
"""How a process's own log marks its lines, as systemd reads them; everything else is INFO."""


class Chatter:
    """Logs lines as `plugin.says NAME: ...`, at most 50 in ten seconds; the rest is counted, and then said.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._begun = clock()
        self._lines = self._left_out = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take what was written, in pieces of any size; an overlong line is cut."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:KEPT_BYTES]
        for line in lines:
            self._say(line)

    def end(self) -> None:
        """Say what is left."""
        if self._rest:
            self._say(self._rest)
            self._rest = b""
        self._own_up()

    def _say(self, line: bytes) -> None:
        if self._clock() - self._begun > WITHIN_S:
            self._own_up()
            self._begun, self._lines = self._clock(), 0
        self._lines += 1
        if self._lines > LINES:
            self._left_out += 1
            return
        level = _LEVELS.get(line[:3])
        text = clean((line if level is None else line[3:]).decode(errors="replace"))[:LONGEST_CHARS]
        log.log(level or logging.INFO, "plugin.says %s: %s", self._name, text)

    def _own_up(self) -> None:
        if self._left_out:
            log.info("plugin.says %s: ... and %d lines more", self._name, self._left_out)
            self._left_out = 0

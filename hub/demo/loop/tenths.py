"""Tells how far a training is, from the log that it writes meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_STEP = re.compile(r"^step (\d+) of (\d+): .+$", re.MULTILINE)


class Tenths:
    """Tells of a training once in a tenth of its steps, so that a minute of it is not silent."""

    def __init__(self, log: Path, tell: Callable[[str], None]) -> None:
        self._log, self._tell, self._told = log, tell, 0

    def look(self) -> None:
        """Read the log, and tell if another tenth is done."""
        steps = list(_STEP.finditer(self._log.read_text(encoding="utf-8", errors="replace")))
        if steps and (tenth := int(steps[-1][1]) * 10 // int(steps[-1][2])) > self._told:
            self._told = tenth
            self._tell(f"          {steps[-1][0]}")

"""What `lenshub classify` tells of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a file: `state` is as the hub's HTTP says it, `missing` or `not asked`.

    `event` is the event as JSON has it; `error` has a code and a reason.
    """

    path: Path
    state: str
    event: dict[str, Any] | None = None
    error: dict[str, str] | None = None

    @property
    def is_well(self) -> bool:
        """Whether there is an event, or there should be none."""
        return self.state in {"stored", "kept back"}


Tell = Callable[[Told], None]


def not_asked(path: Path, reason: str) -> Told:
    """Tell that nobody was asked about a file, and nobody will be."""
    return Told(path, "not asked", error={"code": "not_asked", "reason": reason})

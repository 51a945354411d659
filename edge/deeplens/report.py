"""What came of running a function."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Report:
    """Counts over all runs of the function; `published` are on the disk or with the broker."""

    published: int = 0
    frames: int = 0
    inferences: int = 0
    crashes: int = 0
    repairs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    longest: int = 0
    """The most frames taken in one run of the function."""

    @property
    def worked(self) -> bool:
        """Whether it looped and published."""
        return self.longest >= 2 and self.published >= 1

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        counts = asdict(self)
        del counts["longest"]
        return counts

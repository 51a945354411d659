"""What a run of the kill test is to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How many records to make (at least) and how fast, whom to kill how often, and what is broken."""

    events: int
    rate: float
    kills: int
    together: float
    roles: Sequence[str]
    seed: int
    mutant: str | None

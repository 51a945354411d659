"""Remembers in a file what the latest batches of a model took, to tell what the next one may cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

KEPT = 10
Hours = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Run(BaseModel):
    """One batch: how many hours the model ran for how many pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Hours
    pictures: Annotated[int, Field(ge=0)]


_RUNS = TypeAdapter(list[Run])


class Estimate(NamedTuple):
    """What a batch may take; None where no earlier one tells."""

    pictures: int
    hours: float | None
    usd: float | None
    hour_usd: float

    def __str__(self) -> str:
        pictures = "1 picture" if self.pictures == 1 else f"{self.pictures:,} pictures"
        if self.hours is None:
            return f"{pictures}; no earlier batch to go by, an hour is USD {self.hour_usd:.2f}"
        return f"{pictures}, about {self.hours:.2f} h and USD {self.usd:.2f}"


class History:
    """The file; one that is lost or torn costs an estimate, nothing else.

    Args:
        unit_hours_price: USD for an hour of all inference units.
    """

    def __init__(self, path: Path, unit_hours_price: float) -> None:
        self._path = path
        self._price = unit_hours_price

    def _read(self) -> list[Run]:
        try:
            return _RUNS.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return []

    def add(self, hours: float, pictures: int) -> None:
        """Keep one more batch in which the model ran."""
        if hours <= 0:
            return
        runs = [*self._read(), Run(hours=hours, pictures=pictures)][-KEPT:]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps([run.model_dump() for run in runs]))
        new.replace(self._path)

    def estimate(self, pictures: int) -> Estimate:
        """Return what a batch of so many pictures may cost, going by earlier ones."""
        runs = self._read()
        if not runs:
            return Estimate(pictures, None, None, self._price)
        pace = sum(run.hours for run in runs) / max(sum(run.pictures for run in runs), 1)
        hours = max(min(run.hours for run in runs), pace * pictures)
        return Estimate(pictures, hours, hours * self._price, self._price)

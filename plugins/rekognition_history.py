"""Remembers in a file what the latest batches of a model took, to tell what the next one may cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

KEPT = 10
Hours = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Run(BaseModel):
    """One batch: how many hours the model ran for how many pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Hours
    pictures: Annotated[int, Field(ge=0)]


_RUNS = TypeAdapter(list[Run])


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

    def estimate(self, pictures: int) -> str:
        """Say what a batch of so many pictures may cost, going by earlier ones."""
        runs = self._read()
        if not runs:
            return f"{pictures} pictures; no earlier batch to go by, an hour is USD {self._price:.2f}"
        pace = sum(run.hours for run in runs) / max(sum(run.pictures for run in runs), 1)
        hours = max(min(run.hours for run in runs), pace * pictures)
        return f"{pictures} pictures, about {hours:.2f} h and USD {hours * self._price:.2f}"

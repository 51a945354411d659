"""What was paid, on the clock of a zone: by instance and operation, day, month, and batch by batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hub.report.clock import as_local
from hub.store.costs import BatchCost, Cost, Paid

Key = TypeVar("Key", bound=Hashable)
COST_COLUMNS = (
    *("instance", "operation", "month", "calls", "usd", "batch", "pictures"),
    *("unit_hours", "estimated_unit_hours", "estimated_usd"),
)
"""Of rows about cost, beside `figure` and `day`."""


@dataclass(frozen=True)
class Costs:
    """What was paid. `days` are by (instance, operation, day on the clock)."""

    days: Mapping[tuple[str, str, date], Cost] = field(default_factory=dict)
    batches: Sequence[BatchCost] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def __bool__(self) -> bool:
        return bool(self.days or self.batches)

    def by(self, key: Callable[[str, str, date], Key]) -> dict[Key, Cost]:
        """Return the sums by what `key` makes of an instance, an operation and a day, in order."""
        sums: defaultdict[Key, Cost] = defaultdict(Cost)
        for known, own in self.days.items():
            sums[key(*known)] += own
        return dict(sorted(sums.items()))

    @property
    def all(self) -> Cost:
        """Everything together."""
        return sum(self.days.values(), Cost())

    @property
    def operations(self) -> dict[tuple[str, str], Cost]:
        """Return the sums by instance and operation."""
        return self.by(lambda instance, operation, _: (instance, operation))

    @property
    def by_day(self) -> dict[date, Cost]:
        """Return the sums by day."""
        return self.by(lambda _instance, _operation, day: day)

    @property
    def by_month(self) -> dict[str, Cost]:
        """Return the sums by month, such as 2026-11."""
        return self.by(lambda _instance, _operation, day: f"{day:%Y-%m}")

    def day_of(self, batch: BatchCost) -> date:
        """Return the day on which a batch began."""
        return as_local(batch.began_at, self.zone).date()

    def rows(self) -> list[dict[str, Any]]:
        """Return every figure as a row, with the columns it needs."""
        if not self:
            return []
        months = self.by(lambda instance, operation, day: (instance, operation, f"{day:%Y-%m}"))
        return [
            {"figure": "cost"} | _sums(self.all),
            *(_named("cost of operation", name, own) for name, own in self.operations.items()),
            *({"figure": "cost of day", "day": day} | _sums(own) for day, own in self.by_day.items()),
            *({"figure": "cost of month", "month": name} | _sums(own) for name, own in self.by_month.items()),
            *(
                _named("cost of operation and day", name, own, "day")
                for name, own in sorted(self.days.items())
            ),
            *(_named("cost of operation and month", name, own, "month") for name, own in months.items()),
            *(self._batch_row(batch) for batch in self.batches),
        ]

    def _batch_row(self, batch: BatchCost) -> dict[str, Any]:
        return {
            "figure": "batch",
            "day": self.day_of(batch),
            "instance": batch.plugin,
            "batch": batch.number,
            "pictures": batch.pictures,
            "unit_hours": batch.unit_hours,
            "usd": batch.usd,
            "estimated_unit_hours": batch.estimated_unit_hours,
            "estimated_usd": batch.estimated_usd,
        }


def _sums(own: Cost) -> dict[str, Any]:
    return {"calls": own.calls, "usd": own.usd}


def _named(figure: str, names: Sequence[Any], own: Cost, third: str = "") -> dict[str, Any]:
    columns = ("instance", "operation", *([third] if third else []))
    return {"figure": figure} | dict(zip(columns, names, strict=True)) | _sums(own)


def place_costs(paid: Paid, zone: ZoneInfo) -> Costs:
    """Put what was paid on the clock of a zone."""
    days: defaultdict[tuple[str, str, date], Cost] = defaultdict(Cost)
    for (instance, operation, since), own in paid.parts.items():
        days[instance, operation, as_local(since, zone).date()] += own
    return Costs(dict(days), paid.batches, zone)

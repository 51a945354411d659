"""What was captured for review and what became of it, on the clock of a zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from hub.report.clock import as_local
from hub.store.review_tallies import STATES, Reviewed
from hub.store.reviews import SKIPPED
from hub.verdicts import ACCEPTED, CORRECTED, REJECTED

VERDICTS = (ACCEPTED, CORRECTED, REJECTED, SKIPPED)
REVIEW_COLUMNS = ("reason", "review", "reviewer", "verdicts")
"""Of rows about review, beside `figure`, `device`, `day` and `events`."""


@dataclass(frozen=True)
class Reviews:
    """Counts of events.

    Attributes:
        captured: By (reason, device, day on which it was taken).
        states: By (device, what stands: one of STATES).
        verdicts: By (reviewer, verdict, day on which it was given).
    """

    captured: Mapping[tuple[str, str, date], int] = field(default_factory=dict)
    states: Mapping[tuple[str, str], int] = field(default_factory=dict)
    verdicts: Mapping[tuple[str, str, date], int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.captured or self.states or self.verdicts)

    @property
    def reasons(self) -> dict[str, int]:
        """Return captures by the strategy that chose them, the most frequent first."""
        return dict(sorted(_sum(self.captured, 0).items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def devices(self) -> dict[str, dict[str, int]]:
        """Return the states by device."""
        return _table(self.states, STATES)

    @property
    def state(self) -> dict[str, int]:
        """Return how many events are in each state."""
        return {state: count for state in STATES if (count := _sum(self.states, 1)[state]) or self.states}

    @property
    def reviewers(self) -> dict[str, dict[str, int]]:
        """Return the verdicts by reviewer."""
        return _table(_sum_pairs(self.verdicts, 0, 1), VERDICTS)

    @property
    def days(self) -> dict[date, tuple[int, dict[str, int]]]:
        """Return by day how many pictures taken then were captured, and which verdicts were given."""
        captured, given = _sum(self.captured, 2), _table(_sum_pairs(self.verdicts, 2, 1), VERDICTS)
        none = dict.fromkeys(VERDICTS, 0)
        return {day: (captured[day], given.get(day, none)) for day in sorted({*captured, *given})}

    def rows(self) -> list[dict[str, Any]]:
        """Return every figure as a row, with the columns it needs."""
        by_device = _sum_pairs(self.captured, 1, 0)
        return [
            *({"figure": "captured", "reason": name, "events": n} for name, n in self.reasons.items()),
            *(
                {"figure": "captured of device", "device": device, "reason": name, "events": n}
                for (device, name), n in sorted(by_device.items())
            ),
            *(
                {"figure": "captured of day", "day": day, "reason": name, "events": n}
                for (day, name), n in sorted(_sum_pairs(self.captured, 2, 0).items())
            ),
            *({"figure": "review", "review": name, "events": n} for name, n in self.state.items()),
            *(
                {"figure": "review of device", "device": device, "review": name, "events": n}
                for (device, name), n in sorted(self.states.items())
            ),
            *(
                {"figure": "review by reviewer", "reviewer": who, "review": name, "verdicts": n}
                for (who, name), n in sorted(_sum_pairs(self.verdicts, 0, 1).items())
            ),
            *(
                {"figure": "review on day", "day": day, "review": name, "verdicts": n}
                for (day, name), n in sorted(_sum_pairs(self.verdicts, 2, 1).items())
            ),
        ]


def _sum(counts: Mapping[Any, int], at: int) -> Counter[Any]:
    sums: Counter[Any] = Counter()
    for key, count in counts.items():
        sums[key[at]] += count
    return sums


def _sum_pairs(counts: Mapping[Any, int], one: int, other: int) -> Counter[Any]:
    sums: Counter[Any] = Counter()
    for key, count in counts.items():
        sums[key[one], key[other]] += count
    return sums


def _table(counts: Mapping[tuple[Any, str], int], columns: Sequence[str]) -> dict[Any, dict[str, int]]:
    return {
        name: {column: counts.get((name, column), 0) for column in columns}
        for name in sorted({name for name, _ in counts})
    }


def place_reviews(found: Reviewed, zone: ZoneInfo) -> Reviews:
    """Put what was counted on the clock of a zone."""
    captured: Counter[tuple[str, str, date]] = Counter()
    for (reason, device, since), count in found.captured.items():
        captured[reason, device, as_local(since, zone).date()] += count
    verdicts: Counter[tuple[str, str, date]] = Counter()
    for (reviewer, verdict, since), count in found.verdicts.items():
        verdicts[reviewer, verdict, as_local(since, zone).date()] += count
    return Reviews(captured, found.states, verdicts)

"""The figures: what was counted, summed for each question, and as rows for files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hub.report.clock import cut_hours, list_marks, local_hour
from hub.report.costs import COST_COLUMNS, Costs, place_costs
from hub.report.reviews import REVIEW_COLUMNS, Reviews, place_reviews
from hub.store.costs import Paid, read_paid
from hub.store.database import Readers
from hub.store.quick_tallies import tally_quickly
from hub.store.review_tallies import read_reviewed
from hub.store.tallies import BINS, Mix, Tally, Wanted, tally

Key = TypeVar("Key", bound=Hashable)
Row = dict[str, Any]
COLUMNS = (
    *("figure", "device", "day", "hour", "label", "confidence_from", "confidence_to"),
    *("events", "detections", "mean_confidence", "frames_kept", "frames_dropped"),
    *COST_COLUMNS,
    *REVIEW_COLUMNS,
)
"""Of every row; None where a figure does not ask for it. `hour` has its offset from UTC."""


@dataclass(frozen=True)
class Figures:
    """What a report says. `hours` are by (device, hour on the clock with its offset from UTC).

    `costs` has nothing in it where devices or detections are asked for: nobody pays by them.
    """

    wanted: Wanted
    zone: ZoneInfo
    hours: Mapping[tuple[str, datetime], Tally]
    mix: Mix
    costs: Costs = field(default_factory=Costs)
    reviews: Reviews = field(default_factory=Reviews)

    def by(self, key: Callable[[str, datetime], Key]) -> dict[Key, Tally]:
        """Return the sums by what `key` makes of a device and an hour, in order."""
        sums: defaultdict[Key, Tally] = defaultdict(Tally)
        for (device, hour), own in self.hours.items():
            sums[key(device, hour)] += own
        return dict(sorted(sums.items()))

    @property
    def all(self) -> Tally:
        """Everything together."""
        return sum(self.hours.values(), Tally())

    @property
    def devices(self) -> dict[str, Tally]:
        """Return the sums by device."""
        return self.by(lambda device, _: device)

    @property
    def days(self) -> dict[date, Tally]:
        """Return the sums by day."""
        return self.by(lambda _, hour: hour.date())

    @property
    def device_days(self) -> dict[tuple[str, date], Tally]:
        """Return the sums by device and day."""
        return self.by(lambda device, hour: (device, hour.date()))

    @property
    def labels(self) -> dict[str, Tally]:
        """Return the labels, the most frequent first; a tally here knows of detections only."""
        return dict(sorted(self.mix.labels.items(), key=lambda pair: (-pair[1].detections, pair[0])))

    def top_labels(self, count: int) -> tuple[dict[str, Tally], int, Tally]:
        """Return the most frequent labels, how many others there are, and the others together."""
        pairs = list(self.labels.items())
        others = pairs[count:]
        return dict(pairs[:count]), len(others), sum((own for _, own in others), Tally())

    @property
    def steps(self) -> list[tuple[float, float, int]]:
        """Return (from, to, detections) for every step of confidence; the last one has 1.0 in it."""
        return [(at / BINS, (at + 1) / BINS, self.mix.steps[at]) for at in range(BINS)]

    def rows(self) -> list[Row]:
        """Return every figure as rows of the same columns."""
        hours = self.by(lambda _, hour: hour)
        return [
            _row("all", self.all),
            *(_row("device", own, device=device) for device, own in self.devices.items()),
            *(_row("day", own, day=day) for day, own in self.days.items()),
            *(
                _row("device and day", own, device=key[0], day=key[1])
                for key, own in self.device_days.items()
            ),
            *(_row("hour", own, day=hour.date(), hour=hour) for hour, own in hours.items()),
            *(
                _row("device and hour", own, device=device, day=hour.date(), hour=hour)
                for (device, hour), own in sorted(self.hours.items())
            ),
            *(_label_row(label, own) for label, own in self.labels.items()),
            *(
                _blank("confidence", confidence_from=low, confidence_to=high, detections=count)
                for low, high, count in self.steps
            ),
            *(dict.fromkeys(COLUMNS) | row for row in (*self.costs.rows(), *self.reviews.rows())),
        ]


def count_figures(engine: Readers, wanted: Wanted, zone: ZoneInfo) -> Figures:
    """Count what is stored, on the clock of a zone."""
    marks = partial(list_marks, zone=zone)
    quickly = tally_quickly(engine, wanted, marks)
    stretches, mix = quickly or tally(engine, wanted, partial(cut_hours, zone=zone))
    hours: defaultdict[tuple[str, datetime], Tally] = defaultdict(Tally)
    for (device, since), own in stretches.items():
        hours[device, local_hour(since, zone)] += own
    with engine.connect() as connection:
        reviewed, paid = read_reviewed(connection, wanted, marks), Paid()
        if not wanted.is_about_cameras:
            paid = read_paid(connection, marks, wanted.since, wanted.until, wanted.source)
    return Figures(wanted, zone, dict(hours), mix, place_costs(paid, zone), place_reviews(reviewed, zone))


def _blank(figure: str, **known: Any) -> Row:
    return dict.fromkeys(COLUMNS) | {"figure": figure} | known


def _row(figure: str, own: Tally, **known: Any) -> Row:
    return _blank(
        figure,
        **known,
        events=own.events,
        detections=own.detections,
        mean_confidence=own.mean_confidence,
        frames_kept=own.kept,
        frames_dropped=own.dropped,
    )


def _label_row(label: str, own: Tally) -> Row:
    return _blank("label", label=label, detections=own.detections, mean_confidence=own.mean_confidence)

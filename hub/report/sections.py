"""The tables about cost and review in words, the same on terminals and pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.report.costs import Costs
from hub.report.reviews import VERDICTS, Reviews
from hub.report.telling import as_label
from hub.store.costs import BatchCost, Cost
from hub.store.review_tallies import STATES
from hub.words import as_usd

DASH = "-"


@dataclass(frozen=True, slots=True)
class Section:
    """A table: the first `names` columns are names, the others figures; `bars` has a length for each row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Sequence[float] = ()
    names: int = 1


def cost_sections(costs: Costs) -> Iterator[Section]:
    """Return what was paid: by instance and operation, month, day, and batch by batch."""
    if costs.days:
        named = {(as_label(one), as_label(other)): own for (one, other), own in costs.operations.items()}
        rows = [*((*name, *_sums(own)) for name, own in named.items()), ("all", "", *_sums(costs.all))]
        bars = [*(own.usd for own in named.values()), 0.0]
        yield Section("Cost", ("instance", "operation", "calls", "USD"), rows, bars, names=2)
        yield _period("Cost per month", "month", costs.by_month)
        yield _period("Cost per day", "day", costs.by_day)
    if costs.batches:
        yield Section(
            "Batches",
            (
                "instance",
                "day",
                "number",
                "pictures",
                "estimated unit hours",
                "estimated USD",
                "unit hours",
                "USD",
            ),
            [_batch(costs, batch) for batch in costs.batches],
            [batch.usd or 0.0 for batch in costs.batches],
            names=2,
        )


def _period(title: str, what: str, sums: Mapping[Any, Cost]) -> Section:
    rows = [(str(name), *_sums(own)) for name, own in sums.items()]
    return Section(title, (what, "calls", "USD"), rows, [own.usd for own in sums.values()])


def _sums(own: Cost) -> tuple[str, str]:
    return f"{own.calls:,}", f"{own.usd:,.4f}"


def _batch(costs: Costs, batch: BatchCost) -> tuple[str, ...]:
    hours = [DASH if h is None else f"{h:.2f}" for h in (batch.estimated_unit_hours, batch.unit_hours)]
    usd = [DASH if u is None else as_usd(u) for u in (batch.estimated_usd, batch.usd)]
    counts = (f"{batch.number:,}", f"{batch.pictures:,}")
    return as_label(batch.plugin), str(costs.day_of(batch)), *counts, hours[0], usd[0], hours[1], usd[1]


def review_sections(reviews: Reviews) -> Iterator[Section]:
    """Return what was captured for review, and what became of it."""
    if reviews.captured:
        chosen = [(as_label(name), f"{count:,}") for name, count in reviews.reasons.items()]
        yield Section("Captured for review", ("chosen by", "events"), chosen, list(reviews.reasons.values()))
    if reviews.states:
        states = {device: [own[state] for state in STATES] for device, own in reviews.devices.items()}
        states["all"] = [reviews.state[state] for state in STATES]
        yield Section("Review", ("device", "events", *STATES), [_counted(*one) for one in states.items()])
    if reviews.verdicts:
        given = {who: [own[verdict] for verdict in VERDICTS] for who, own in reviews.reviewers.items()}
        rows = [_counted(*one) for one in given.items()]
        yield Section("Reviewers", ("reviewer", "reviews", *VERDICTS), rows, [sum(n) for n in given.values()])
    if reviews:
        days = reviews.days
        rows = [
            (str(day), f"{captured:,}", *_counted("", list(given.values()))[1:])
            for day, (captured, given) in days.items()
        ]
        yield Section("Review per day", ("day", "captured", "reviews", *VERDICTS), rows)


def _counted(name: str, counts: Sequence[int]) -> tuple[str, ...]:
    return as_label(name), f"{sum(counts):,}", *(f"{count:,}" for count in counts)

"""The report on a terminal: tables with bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from hub.report.bars import draw_bar, draw_line
from hub.report.figures import Figures
from hub.report.sections import cost_sections, review_sections
from hub.report.telling import NOTHING, TOP_LABELS, as_label, as_share, frame_words, subtitle, title
from hub.store.tallies import Tally

BAR = 40
FRAMES = ("device", "events", "frame kept", "frame dropped", "without frame")
HOURS = "00    06    12    18    "


def print_report(console: Console, figures: Figures) -> None:
    """Print every figure; hours are told a day a line, the exact ones are in the files."""
    plain = "utf" not in console.encoding.lower()
    console.print(f"[bold]{escape(title(figures))}[/bold]")
    console.print(escape(subtitle(figures)) if figures.hours else NOTHING)
    seen = _sections(figures, plain=plain) if figures.hours else ()
    for shown in chain(seen, _more(figures, plain=plain)):
        console.print()
        console.print(shown)


def _sections(figures: Figures, *, plain: bool) -> Iterator[RenderableType]:
    yield _bars("Per device", "device", figures.devices.items(), plain=plain)
    yield _bars("Per day", "day", _dated(figures.days), plain=plain)
    yield _hours("Per hour of each day, all devices", figures, None, plain=plain)
    if len(figures.devices) > 1:
        for device in figures.devices:
            own = [(str(day), own) for (name, day), own in figures.device_days.items() if name == device]
            yield _bars(f"{device}: per day", "day", own, plain=plain)
            yield _hours(f"{device}: per hour of each day", figures, device, plain=plain)
    yield _bars("Labels", "label", _labels(figures), plain=plain)
    yield _steps(figures, plain=plain)
    frames = [(device, *frame_words(own)) for device, own in figures.devices.items()]
    yield _table("Frames", FRAMES, [*frames, ("all", *frame_words(figures.all))])


def _more(figures: Figures, *, plain: bool) -> Iterator[RenderableType]:
    """Yield what was paid, and what was reviewed."""
    for own in chain(cost_sections(figures.costs), review_sections(figures.reviews)):
        most = max(own.bars, default=0) or 1
        bars = [_bar(length, most, plain=plain) for length in own.bars] or [""] * len(own.rows)
        rows = [(*row, bar) for row, bar in zip(own.rows, bars, strict=True)]
        yield _table(own.title, (*own.columns, ""), rows, own.names)


def _dated(days: dict[date, Tally]) -> list[tuple[str, Tally]]:
    return [(str(day), own) for day, own in days.items()]


def _labels(figures: Figures) -> list[tuple[str, Tally]]:
    top, count, others = figures.top_labels(TOP_LABELS)
    rest = [(f"{count:,} others", others)] if count else []
    return [*((as_label(label), own) for label, own in top.items()), *rest]


def _table(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> Table:
    table = Table(title=name, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for at, column in enumerate(columns):
        left = at < names or not column
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _bars(name: str, what: str, tallies: Iterable[tuple[str, Tally]], *, plain: bool) -> Table:
    pairs = list(tallies)
    most = max((own.detections for _, own in pairs), default=0) or 1
    rows = [
        (key, f"{own.detections:,}", as_share(own.mean_confidence), _bar(own.detections, most, plain=plain))
        for key, own in pairs
    ]
    return _table(name, (what, "detections", "mean confidence", ""), rows)


def _bar(value: float, most: float, *, plain: bool) -> str:
    return draw_bar(value, most, BAR, plain=plain)


def _hours(name: str, figures: Figures, device: str | None, *, plain: bool) -> Table:
    """Return a line of 24 characters a day; both hours of an autumn night are in one of them."""
    counts: Counter[tuple[date, int]] = Counter()
    for (own, hour), found in figures.hours.items():
        if device in (None, own):
            counts[hour.date(), hour.hour] += found.detections
    most = max(counts.values(), default=0) or 1
    days = sorted({day for day, _ in counts})
    end = "|" if plain else "│"
    rows = []
    for day in days:
        values = [counts[day, hour] for hour in range(24)]
        at = values.index(max(values))
        line = draw_line(values, most, plain=plain)
        rows.append((str(day), f"{sum(values):,}", f"{at:02}:00", f"{end}{line}{end}"))
    return _table(name, ("day", "detections", "busiest", f" {HOURS}"), rows)


def _steps(figures: Figures, *, plain: bool) -> Table:
    most = max(count for _, _, count in figures.steps) or 1
    total = figures.all.detections or 1
    rows = [
        (f"{low:.0%} to {high:.0%}", f"{count:,}", f"{count / total:.1%}", _bar(count, most, plain=plain))
        for low, high, count in figures.steps
    ]
    return _table("Confidence", ("confidence", "detections", "share", ""), rows)

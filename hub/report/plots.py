"""Plots of the figures, for mails and pages. Only this module imports matplotlib."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from hub.report.figures import Figures
from hub.report.telling import NOTHING, as_label, subtitle, title
from hub.store.review_tallies import STATES

Draw = Callable[[Axes, Figures], None]

# Okabe and Ito's colours, which people tell apart who see colours otherwise.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
GREY = "#777777"
_STATE_COLOURS = ("#cccccc", COLOURS[3], COLOURS[2], COLOURS[1], COLOURS[5])
SHOWN_DEVICES = len(COLOURS)
SHOWN_DAYS = 366
SHOWN_LABELS = 10
_LABEL_CHARS = 24
_DAY_TICKS = 16
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
)
_WIDE, _HIGH = 11.0, 3.0  # inches of a plot


def draw_png(figures: Figures) -> bytes:
    """Return all plots as one picture."""
    kinds = list_plots(figures)
    with _style():
        sheet = Figure(figsize=(_WIDE, 1.1 + _HIGH * len(kinds)), layout="constrained", dpi=110)
        sheet.suptitle(f"{title(figures)}\n{subtitle(figures) if figures.hours else NOTHING}", fontsize=11)
        all_axes = sheet.subplots(max(1, len(kinds)), 1, squeeze=False)
        for axes, (name, draw) in zip(all_axes.flat, kinds, strict=False):
            _draw_one(axes, name, draw, figures)
        if not kinds:
            sheet.axes[0].set_axis_off()
        return _save(sheet, "png")


def draw_svg(draw: Draw, figures: Figures) -> bytes:
    """Return one plot as SVG whose texts are texts; its title is for the page to set."""
    with _style():
        sheet = Figure(figsize=(_WIDE, _HIGH), layout="constrained")
        draw(sheet.subplots(), figures)
        return _save(sheet, "svg")


def list_plots(figures: Figures) -> list[tuple[str, Draw]]:
    """Return name and drawing of every plot that there is something for."""
    more = [("Cost per day", draw_costs)] if figures.costs.days else []
    more += [("Review", draw_review)] if figures.reviews.states else []
    return [*(_list_seen(figures) if figures.hours else []), *more]


def _list_seen(figures: Figures) -> list[tuple[str, Draw]]:
    devices = _devices(figures)
    each = [(f"{device}: detections per hour of each day", _hours_of(device)) for device in devices]
    return [
        ("Detections per day", draw_days),
        ("Detections per hour of each day, all devices", _hours_of(None)),
        *(each if len(devices) > 1 else []),
        ("Mean confidence per day", draw_means),
        ("Labels", draw_labels),
        ("Confidence", draw_steps),
    ]


@contextmanager
def _style() -> Iterator[None]:
    fonts = [name for name in _FONTS if name in get_font_names()]
    settings: Any = {
        "font.family": fonts or ["sans-serif"],
        "font.size": 9,
        "text.parse_math": False,  # a label is no formula
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "svg.fonttype": "none",
        "svg.hashsalt": "lenshub",
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Signs that no font here has are drawn as boxes; tables and files have them all.
        warnings.filterwarnings("ignore", message="(Glyph|Matplotlib currently does not support)")
        yield


def _draw_one(axes: Axes, name: str, draw: Draw, figures: Figures) -> None:
    draw(axes, figures)
    axes.set_title(name)


def _save(sheet: Figure, kind: str) -> bytes:
    made = io.BytesIO()
    sheet.savefig(made, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return made.getvalue()


def _devices(figures: Figures) -> list[str]:
    """Return the devices with the most detections, as many as there are colours, by name."""
    tallies = figures.devices
    return sorted(sorted(tallies, key=lambda name: -tallies[name].detections)[:SHOWN_DEVICES])


def list_shown_days(figures: Figures) -> list[date]:
    """Return consecutive days, a year at most: the stretch that most was seen in.

    A camera whose clock stands in 1970 would else leave a plot of two bars.
    """
    tallies = figures.days
    days = list(tallies)
    sums, best, first = 0, (-1, days[0], days[0]), 0
    for last in days:
        sums += tallies[last].detections
        while (last - days[first]).days >= SHOWN_DAYS:
            sums -= tallies[days[first]].detections
            first += 1
        best = max(best, (sums, days[first], last), key=lambda one: one[0])
    _, since, until = best
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def draw_days(axes: Axes, figures: Figures) -> None:
    """Bars of detections, a day each, the devices stacked."""
    days, named, tallies = list_shown_days(figures), _devices(figures), figures.device_days
    bottom = np.zeros(len(days))
    others = [device for device in figures.devices if device not in named]
    groups = [([device], device) for device in named] + (
        [(others, f"{len(others)} others")] if others else []
    )
    for (members, name), colour in zip(groups, [*COLOURS[: len(named)], GREY], strict=False):
        counts = np.array(
            [sum(tallies[d, day].detections for d in members if (d, day) in tallies) for day in days]
        )
        axes.bar(_as_days(days), counts, bottom=bottom, color=colour, label=name, width=0.85)
        bottom += counts
    _set_days(axes, days)
    _set_counts(axes.yaxis)
    if len(groups) > 1:
        _set_legend(axes)


def _hours_of(device: str | None) -> Draw:
    def draw(axes: Axes, figures: Figures) -> None:
        days = list_shown_days(figures)
        counts = count_hours(figures, device)
        cells = np.array([[counts[day, hour] for day in days] for hour in range(24)])
        edges = _as_days([*days, days[-1] + timedelta(days=1) if days[-1] < date.max else days[-1]])
        drawn = axes.pcolormesh(edges - 0.5, np.arange(25), cells, cmap="Blues", vmin=0, rasterized=True)
        axes.set_ylim(24, 0)
        axes.set_yticks(range(0, 25, 6), [f"{hour:02}:00" for hour in range(0, 25, 6)])
        _set_days(axes, days)
        bar = axes.figure.colorbar(drawn, ax=axes, pad=0.01, fraction=0.03, aspect=12)
        _set_counts(bar.ax.yaxis)

    return draw


def count_hours(figures: Figures, device: str | None) -> Counter[tuple[date, int]]:
    """Return detections by day and hour on the clock; both of an autumn night are one here."""
    counts: Counter[tuple[date, int]] = Counter()
    for (own, hour), found in figures.hours.items():
        if device in (None, own):
            counts[hour.date(), hour.hour] += found.detections
    return counts


def draw_means(axes: Axes, figures: Figures) -> None:
    """Lines of the mean confidence, a day each, of all devices and each."""
    days, tallies = list_shown_days(figures), figures.device_days
    devices = _devices(figures)
    for device, colour in zip(devices, COLOURS, strict=False):
        means = [tallies[device, day].mean_confidence if (device, day) in tallies else None for day in days]
        axes.plot(
            _as_days(days), _numbers(means), "o-", color=colour, label=device, markersize=3, linewidth=1.2
        )
    if len(devices) > 1:
        means = [figures.days[day].mean_confidence if day in figures.days else None for day in days]
        axes.plot(_as_days(days), _numbers(means), ".--", color="black", label="all", linewidth=1.5)
        _set_legend(axes)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(axis="y", alpha=0.3)
    _set_days(axes, days)


def _numbers(values: Sequence[float | None]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if value is None else value for value in values])


def draw_labels(axes: Axes, figures: Figures) -> None:
    """Bars of how often each label was seen, the most frequent first."""
    top, count, others = figures.top_labels(SHOWN_LABELS)
    pairs = [(as_label(label, _LABEL_CHARS), own.detections) for label, own in top.items()]
    pairs += [(f"{count:,} others", others.detections)] if count else []
    colours = [COLOURS[0]] * len(top) + [GREY]
    drawn = axes.barh(range(len(pairs)), [n for _, n in pairs], color=colours[: len(pairs)])
    axes.bar_label(drawn, [f"{n:,}" for _, n in pairs], padding=3)
    axes.set_yticks(range(len(pairs)), [name for name, _ in pairs])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    _set_counts(axes.xaxis)


def draw_steps(axes: Axes, figures: Figures) -> None:
    """Bars of how many detections were how sure."""
    lows = [low for low, _, _ in figures.steps]
    width = figures.steps[0][1]
    axes.bar(lows, [n for _, _, n in figures.steps], width=width * 0.92, align="edge", color=COLOURS[0])
    axes.set_xlim(0, 1)
    axes.set_xticks(np.linspace(0, 1, 11))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _set_counts(axes.yaxis)


def draw_costs(axes: Axes, figures: Figures) -> None:
    """Bars of USD, a day each, the instances stacked; a year at most, the last one."""
    sums = figures.costs.by(lambda instance, _, day: (instance, day))
    last = max(day for _, day in sums)
    first = max(min(day for _, day in sums), last - timedelta(days=SHOWN_DAYS - 1))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    totals = figures.costs.by(lambda instance, _operation, _day: instance)
    named = sorted(sorted(totals, key=lambda name: -totals[name].usd)[: len(COLOURS)])
    groups = [([name], as_label(name, _LABEL_CHARS)) for name in named]
    if others := [name for name in totals if name not in named]:
        groups.append((others, f"{len(others)} others"))
    bottom = np.zeros(len(days))
    for (members, name), colour in zip(groups, [*COLOURS[: len(named)], GREY], strict=False):
        usd = np.array([sum(sums[m, day].usd for m in members if (m, day) in sums) for day in days])
        axes.bar(_as_days(days), usd, bottom=bottom, color=colour, label=name, width=0.85)
        bottom += usd
    _set_days(axes, days)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    digits = 2 if axes.get_ylim()[1] >= 0.1 else 4
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"USD {value:,.{digits}f}"))
    _set_legend(axes)


def draw_review(axes: Axes, figures: Figures) -> None:
    """Bars of captured events, a device each, by what stands; those with the most captures."""
    devices = figures.reviews.devices
    shown = sorted(sorted(devices, key=lambda name: -sum(devices[name].values()))[:SHOWN_LABELS])
    left = np.zeros(len(shown))
    for state, colour in zip(STATES, _STATE_COLOURS, strict=True):
        counts = np.array([devices[name][state] for name in shown])
        axes.barh(range(len(shown)), counts, left=left, color=colour, label=state)
        left += counts
    axes.set_yticks(range(len(shown)), [as_label(name, _LABEL_CHARS) for name in shown])
    axes.set_ylim(max(len(shown), 3) - 0.5, -0.5)
    _set_counts(axes.xaxis)
    _set_legend(axes)


def _as_days(days: Sequence[date]) -> np.ndarray[Any, Any]:
    """Return days as matplotlib counts them, from 1970."""
    return np.array([day.toordinal() - date(1970, 1, 1).toordinal() for day in days], dtype=float)


def _set_days(axes: Axes, days: Sequence[date]) -> None:
    every = -(-len(days) // _DAY_TICKS)
    shown = days[::every]
    axes.set_xticks(_as_days(shown), [_name_day(day, at, every) for at, day in enumerate(shown)])
    first, last = _as_days([days[0], days[-1]])
    axes.set_xlim(first - 0.5, last + 0.5)


def _name_day(day: date, at: int, every: int) -> str:
    """Return day and month; the year below the first one, and wherever it is a new one."""
    is_new = at == 0 or (day - timedelta(days=every)).year != day.year
    return f"{day.day} {day:%b}" + (f"\n{day.year}" if is_new else "")


def _set_counts(axis: Any) -> None:
    axis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _set_legend(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=SHOWN_DEVICES + 1, frameon=False)

"""The report as one HTML page: a plot and beside it its table, with nothing loaded from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import chain

from hub.report.figures import Figures
from hub.report.plots import count_hours, draw_svg, list_plots
from hub.report.sections import cost_sections, review_sections
from hub.report.telling import NOTHING, as_label, as_share, frame_words, subtitle, title
from hub.store.tallies import Tally

TABLE_LABELS = 100
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin: 2.5rem 0 0.5rem }
figure { margin: 0 0 1rem; overflow-x: auto } img { width: 100%; min-width: 46rem; height: auto }
.scroll { overflow-x: auto; max-height: 24rem; overflow-y: auto }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: 0.25rem 0 }
th, td { padding: 0.15rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, .name { text-align: left } thead th { position: sticky; top: 0; background: #fff; z-index: 1 }
tbody th { position: sticky; left: 0; background: #fff; font-weight: 500 }
tbody tr:hover > * { background: #f3f6f9 }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_LEFT = ' class="name"'
_COUNTS = ("detections", "mean confidence")


def make_page(figures: Figures) -> str:
    """Return the page."""
    name = escape(title(figures))
    body = f"<p>{escape(subtitle(figures) if figures.hours else NOTHING)}</p>{_sections(figures)}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{name}</h1>{body}</main></body></html>\n"
    )


def _sections(figures: Figures) -> str:
    plots = {name: draw_svg(draw, figures) for name, draw in list_plots(figures)}
    tables = (_tables(figures) if figures.hours else {}) | _more(figures)
    drawn = [_section(name, svg, tables.pop(name)) for name, svg in plots.items()]
    return "\n".join(drawn + [_section(name, None, table) for name, table in tables.items()])


def _section(name: str, svg: bytes | None, table: str) -> str:
    plot = ""
    if svg is not None:
        image = f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
        plot = (
            f'<figure tabindex="0"><img src="{image}" alt="Plot of the table below: {escape(name)}"></figure>'
        )
    # Who uses a keyboard must be able to scroll it, so it takes the focus.
    scrolled = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">{table}</div>'
    return f"<section><h2>{escape(name)}</h2>{plot}{scrolled}</section>"


def _tables(figures: Figures) -> dict[str, str]:
    """Return the tables by the names of the plots they belong to, then those that have none."""
    devices = figures.devices
    each = {f"{device}: detections per hour of each day": _hours(figures, device) for device in devices}
    return {
        "Detections per day": _days(figures, lambda own: f"{own.detections:,}"),
        "Detections per hour of each day, all devices": _hours(figures, None),
        **(each if len(devices) > 1 else {}),
        "Mean confidence per day": _days(figures, lambda own: as_share(own.mean_confidence)),
        "Labels": _labels(figures),
        "Confidence": _table(("confidence", "detections"), _steps(figures)),
        "Devices": _table(("device", *_COUNTS), [(name, *_counts(own)) for name, own in devices.items()]),
        "Frames": _table(
            ("device", "events", "frame kept", "frame dropped", "without frame"),
            [(name, *frame_words(own)) for name, own in devices.items()],
        ),
    }


def _more(figures: Figures) -> dict[str, str]:
    """Return the tables about what was paid, and what was reviewed."""
    own = chain(cost_sections(figures.costs), review_sections(figures.reviews))
    return {one.title: _table(one.columns, one.rows, one.names) for one in own}


def _counts(own: Tally) -> tuple[str, str]:
    return f"{own.detections:,}", as_share(own.mean_confidence)


def _days(figures: Figures, tell: Callable[[Tally], str]) -> str:
    devices, tallies = list(figures.devices), figures.device_days
    rows = [
        (str(day), tell(own), *(tell(tallies.get((device, day), Tally())) for device in devices))
        for day, own in figures.days.items()
    ]
    return _table(("day", "all devices", *devices), rows)


def _hours(figures: Figures, device: str | None) -> str:
    counts = count_hours(figures, device)
    days = sorted({day for day, _ in counts})
    rows = [(str(day), *(f"{counts[day, hour]:,}" for hour in range(24))) for day in days]
    return _table(("day", *(f"{hour:02}" for hour in range(24))), rows)


def _labels(figures: Figures) -> str:
    top, count, others = figures.top_labels(TABLE_LABELS)
    rows = [(as_label(label), *_counts(own)) for label, own in top.items()]
    return _table(("label", *_COUNTS), [*rows, (f"{count:,} others", *_counts(others))] if count else rows)


def _steps(figures: Figures) -> list[tuple[str, str]]:
    return [(f"{low:.0%} to {high:.0%}", f"{count:,}") for low, high, count in figures.steps]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    head = "".join(
        f'<th scope="col"{_LEFT if 0 < at < names else ""}>{escape(name)}</th>'
        for at, name in enumerate(columns)
    )
    body = "".join(_line(row, names) for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _line(cells: Sequence[str], names: int) -> str:
    first, *others = cells
    values = "".join(
        f"<td{_LEFT if at < names else ''}>{escape(value)}</td>" for at, value in enumerate(others, 1)
    )
    # <bdi>: a label written from right to left turns nothing but itself.
    return f'<tr><th scope="row"><bdi>{escape(first)}</bdi></th>{values}</tr>'

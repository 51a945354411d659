"""The figures in words for people: titles, counts, and texts of strangers made safe to show."""

from __future__ import annotations

from datetime import datetime
from unicodedata import category

from hub.report.figures import Figures
from hub.store.tallies import Tally
from hub.words import as_usd, count_of

MAX_LABEL_CHARS = 40
TOP_LABELS = 15
NOTHING = "no events: nothing is stored, or nothing that was asked for"
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (right-to-left, joiners), surrogates, separators


def as_label(text: str, most: int = MAX_LABEL_CHARS) -> str:
    """Return a stranger's text on one line, cut, with marks that hide or turn text escaped."""
    shown = "".join(repr(sign)[1:-1] if _is_hidden(sign) else sign for sign in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _is_hidden(sign: str) -> bool:
    return category(sign) in _HIDDEN or sign in "\ufffe\uffff"  # which a plot's XML cannot hold


def as_share(share: float | None) -> str:
    """Return a confidence as people read it."""
    return "-" if share is None else f"{share:.2%}"


def as_hour(hour: datetime) -> str:
    """Return an hour with its offset from UTC, which tells the two of an autumn night apart."""
    return hour.isoformat(" ", "minutes")


def title(figures: Figures) -> str:
    """Return what the report is about: which days, which devices."""
    if not figures.hours:
        return "Detections"
    first, last = min(figures.days), max(figures.days)
    return f"Detections {first}" if first == last else f"Detections {first} to {last}"


def subtitle(figures: Figures) -> str:
    """Return the counts in one line, with what was asked for."""
    own, devices = figures.all, count_of(len(figures.devices), "device")
    parts = [
        f"{count_of(own.detections, 'detection')} in {count_of(own.events, 'event')} of {devices}",
        f"mean confidence {as_share(own.mean_confidence)}",
        f"times of {figures.zone.key}",
        *([f"USD {as_usd(figures.costs.all.usd)} paid"] if figures.costs.days else []),
        *_asked(figures),
    ]
    return ", ".join(parts)


def _asked(figures: Figures) -> list[str]:
    wanted = figures.wanted
    named = {"device": wanted.device, "label": wanted.label, "source": wanted.source}
    asked = [f"only {name} {as_label(value)}" for name, value in named.items() if value is not None]
    if wanted.min_confidence:
        asked.append(f"confidence from {wanted.min_confidence:.0%}")
    return asked


def frame_words(own: Tally) -> tuple[str, ...]:
    """Return events, and how many of their frames were kept, dropped, or never there."""
    without = own.events - own.kept - own.dropped
    return tuple(f"{count:,}" for count in (own.events, own.kept, own.dropped, without))

"""Precision and recall as a picture. Only this module of the evaluation imports matplotlib."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names

from edge.evaluation.counts import Curve
from edge.evaluation.figures import Figures, name_all

COLOURS = ("#0072b2", "#d55e00")  # of Okabe and Ito's, which people tell apart who see colours otherwise
CLASS_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442")
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "Noto Sans Arabic")
_TITLE_CHARS = 32


def draw_curves(all_figures: Sequence[Figures]) -> bytes:
    """Return a PNG: precision against recall, and both against the threshold, of one model or of two."""
    fonts = [name for name in _FONTS if name in get_font_names()]
    settings: Any = {"font.family": fonts or ["sans-serif"], "font.size": 9, "text.parse_math": False}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Signs that no font here has are drawn as boxes; the tables have them all.
        warnings.filterwarnings("ignore", message="(Glyph|Matplotlib currently does not support)")
        sheet = Figure(figsize=(11.0, 5.4), layout="constrained", dpi=110)
        left, right = sheet.subplots(1, 2)
        _draw_trade(left, all_figures)
        draw_thresholds(right, all_figures)
        made = io.BytesIO()
        sheet.savefig(made, format="png", metadata={"Software": None})
    return made.getvalue()


def _draw_trade(axes: Axes, all_figures: Sequence[Figures]) -> None:
    if len(all_figures) == 1 and 1 < len(all_figures[0].exam.classes) <= len(CLASS_COLOURS):
        _draw_classes(axes, all_figures[0])
    for figures, title, colour in zip(all_figures, name_all(all_figures), COLOURS, strict=False):
        _trade(axes, figures.curve, colour, f"{_shorten(title)}: {_headline(figures)}", 2.0)
        if figures.counts.precision is not None and figures.counts.recall is not None:
            at = f"at the threshold ({_limits(figures)})"
            axes.plot(figures.counts.recall, figures.counts.precision, "o", color=colour, label=at)
    axes.set(
        title="Precision and recall",
        xlabel="recall: found of what is true",
        ylabel="precision: true of what is found",
    )
    _frame(axes, 2)


def _draw_classes(axes: Axes, figures: Figures) -> None:
    for label, colour in zip(figures.exam.classes, CLASS_COLOURS, strict=False):
        _trade(axes, Curve(figures.scenes, figures.found, label), colour, _shorten(label), 1.0)


def _trade(axes: Axes, curve: Curve, colour: str, label: str, width: float) -> None:
    points = [point for point in curve.steps if point.recall is not None]
    recalls = [0.0, *(_or_zero(point.recall) for point in points)]
    precisions = [1.0, *(_or_zero(point.precision) for point in points)]
    axes.plot(recalls, precisions, color=colour, label=label, linewidth=width)


def draw_thresholds(axes: Axes, all_figures: Sequence[Figures]) -> None:
    """Draw precision, recall and F1 from each threshold on: steps, for they change at a confidence only."""
    for figures, title, colour in zip(all_figures, name_all(all_figures), COLOURS, strict=False):
        curve = figures.curve
        points = [curve.at(0.0), *reversed(curve.steps), curve.at(1.0)]
        for name, style in (("precision", "--"), ("recall", ":"), ("f1", "-")):
            known = [point for point in points if getattr(point, name) is not None]
            said = f"{_shorten(title)}: {'F1' if name == 'f1' else name}"
            axes.plot(
                [p.threshold for p in known],
                [getattr(p, name) for p in known],
                style,
                drawstyle="steps-pre",  # what has just this confidence counts, so it holds up to here
                color=colour,
                label=said,
            )
        if _same_limit(figures):
            axes.axvline(figures.limit(figures.exam.classes[0]), color=colour, linewidth=0.8, alpha=0.6)
    axes.set(title="By threshold", xlabel="confidence from which a detection counts")
    _frame(axes, 1 if len(all_figures) == 1 else 2)


def _frame(axes: Axes, columns: int) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=columns)


def _headline(figures: Figures) -> str:
    if not figures.has_boxes:
        return f"accuracy {figures.accuracy:.3f}"
    return "no AP50" if figures.ap50 is None else f"AP50 {figures.ap50:.3f}"


def _limits(figures: Figures) -> str:
    return f"{figures.limit(figures.exam.classes[0]):.2f}" if _same_limit(figures) else "the card's"


def _same_limit(figures: Figures) -> bool:
    return len({figures.limit(label) for label in figures.exam.classes}) == 1


def _or_zero(value: float | None) -> float:
    return value or 0.0


def _shorten(name: str) -> str:
    return name if len(name) <= _TITLE_CHARS else f"{name[:_TITLE_CHARS]}..."

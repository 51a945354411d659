"""The datasheet's picture of class counts; matplotlib is in the extra `report`."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.ticker import MaxNLocator

COLOURS = ("#0072b2", "#e69f00", "#009e73")  # Okabe and Ito's, as of the report's plots
SHOWN_CLASSES = 40
_LABEL_CHARS = 32
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "Noto Sans Arabic")


def draw_counts(facts: Mapping[str, Any]) -> bytes:
    """Return a PNG of how many objects of each class are in each split, the commonest classes first."""
    splits = list(facts["pictures"])
    counts = {"no object": facts["negatives"]} | facts["classes"]
    rows = sorted(counts.items(), key=lambda item: -sum(item[1].values()))[:SHOWN_CLASSES][::-1]
    fonts = [name for name in _FONTS if name in get_font_names()]
    settings: Any = {"font.family": fonts or ["sans-serif"], "font.size": 9, "text.parse_math": False}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Signs that no font here has are drawn as boxes; the sheet's table has them all.
        warnings.filterwarnings("ignore", message="(Glyph|Matplotlib currently does not support)")
        return _draw(splits, rows, len(counts))


def _draw(splits: list[str], rows: list[tuple[str, dict[str, int]]], count: int) -> bytes:
    sheet = Figure(figsize=(8.0, 1.2 + 0.28 * len(rows)), layout="constrained", dpi=110)
    axes = sheet.subplots()
    names, left = [_shorten(name) for name, _ in rows], [0] * len(rows)
    for split, colour in zip(splits, COLOURS, strict=False):
        values = [row[split] for _, row in rows]
        axes.barh(range(len(rows)), values, left=left, color=colour, label=split, height=0.75)
        left = [before + value for before, value in zip(left, values, strict=True)]
    for index, total in enumerate(left):
        axes.text(total, index, f" {total}", va="center")
    axes.set_yticks(range(len(rows)), names)
    axes.set_title("Objects by class" + (f", the first {len(rows)} of {count}" if count > len(rows) else ""))
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="lower right")
    made = io.BytesIO()
    sheet.savefig(made, format="png", metadata={"Software": None})
    return made.getvalue()


def _shorten(name: str) -> str:
    return name if len(name) <= _LABEL_CHARS else f"{name[:_LABEL_CHARS]}..."

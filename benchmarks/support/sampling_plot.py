"""The table and the curve of `benchmarks/sampling.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

Found = Sequence[Mapping[str, Any]]


def as_table(before: Mapping[str, float], found: Found) -> str:
    """Return lines of a table: the mean over seeds, and from which to which."""
    counts = sorted({one["count"] for one in found})
    head = "| labelled | " + " | ".join(str(count) for count in counts) + " |"
    rows = [head, "|---" * (len(counts) + 1) + "|"]
    for part in ("all", "dark"):
        rows.append(f"| **{part}**, shipped {before[part]:.3f} |" + " |" * len(counts))
        for way, values in _by_way(found, part):
            told = [f"{mean(values[c]):.3f} ({min(values[c]):.3f} to {max(values[c]):.3f})" for c in counts]
            rows.append(f"| {way} | " + " | ".join(told) + " |")
    dark = [
        f"{way}: {mean(one['dark_chosen'] / one['chosen'] for one in rows_):.0%}"
        for way, rows_ in _group(found)
    ]
    return "\n".join([*rows, "", "dark frames among those chosen: " + ", ".join(dark)])


def _group(found: Found) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for way in dict.fromkeys(one["way"] for one in found):
        yield way, [one for one in found if one["way"] == way]


def _by_way(found: Found, part: str) -> Iterator[tuple[str, dict[int, list[float]]]]:
    for way, rows in _group(found):
        values: dict[int, list[float]] = {}
        for one in rows:
            values.setdefault(one["count"], []).append(one[part])
        yield way, values


def draw(before: Mapping[str, float], found: Found, path: Path) -> None:
    """Write the curves as a PNG: means over seeds, and the range as a band."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
    for axis, part, title in zip(
        axes, ("all", "dark"), ("all held-out frames", "those in the dark"), strict=True
    ):
        for way, values in _by_way(found, part):
            counts = sorted(values)
            (line,) = axis.plot(counts, [mean(values[c]) for c in counts], marker="o", label=way)
            low, high = [min(values[c]) for c in counts], [max(values[c]) for c in counts]
            axis.fill_between(counts, low, high, color=line.get_color(), alpha=0.15)
        axis.axhline(before[part], color="grey", linestyle=":", label="shipped model")
        axis.set(title=f"AP50 on {title}", xlabel="labelled frames", xscale="log")
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=110)

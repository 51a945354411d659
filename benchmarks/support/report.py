"""The results as tables for people who have not read the code."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from support.latency import Latency
from support.memory import Memory
from support.throughput import Throughput


def describe_machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def tabulate(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, its columns aligned to the right."""
    table = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table
    )


def describe_throughput(found: Throughput) -> str:
    """Return the table of pairs, and whether every message sent became the rows it should."""
    heads = ("pair", "bare, messages/s", "hub, events/s", "hub / bare", "bare CPU, us", "hub CPU, us")
    rows = [
        (
            number,
            f"{pair.bare_per_s:,.0f}",
            f"{pair.hub_per_s:,.0f}",
            f"{pair.ratio:.2f}",
            f"{pair.bare_cpu_us:.0f}",
            f"{pair.hub_cpu_us:.0f}",
        )
        for number, pair in enumerate(found.pairs, 1)
    ]
    counts = [(number, pair.sent, *pair.rows.values()) for number, pair in enumerate(found.pairs, 1)]
    return f"""\
Throughput: the same backlog, taken by a bare aiomqtt loop that stores nothing, and by `lenshub run` until
every event is committed and delivered to 4 plugins that do nothing.
SQLite journal_mode {found.journal_mode}, PRAGMA synchronous {found.synchronous}

{tabulate(heads, rows)}

median of hub / bare: {found.median_ratio:.2f}   (CPU: of all threads, a message)

{tabulate(("pair", "sent", *found.pairs[0].rows), counts)}
(expected: as many events and messages as were sent, 2 detections and 4 deliveries each, nothing else)
"""


def describe_latencies(found: Sequence[Latency]) -> str:
    """Return the table of latencies."""
    heads = ("events/s", "sent", "stored", "delivered", "p50, ms", "p99, ms", "max, ms")
    rows = [
        (
            f"{at.rate_per_s:,}",
            at.sent,
            at.stored,
            at.measured,
            *(f"{ms:.1f}" for ms in (at.p50_ms, at.p99_ms, at.max_ms)),
        )
        for at in found
    ]
    return f"""\
Latency: from the moment an event leaves its device until a plugin has it; in between it was committed.

{tabulate(heads, rows)}
"""


def describe_memory(found: Memory) -> str:
    """Return the table of memory."""
    rows = [("after start", f"{found.started_mb:.0f}")]
    rows += [(f"{share:.0%} of the burst stored", f"{mb:.0f}") for share, mb in found.stored_mb]
    rows += [("all of it delivered", f"{found.delivered_mb:.0f}"), ("highest", f"{found.peak_mb:.0f}")]
    return f"""\
Memory: `lenshub run` with the 4 built-in plugins, under a burst of {found.sent:,} messages
({found.stored:,} stored, all delivered after {found.seconds:.1f} s)

{tabulate(("when", "resident, MB"), rows)}
"""

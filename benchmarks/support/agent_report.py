"""The agent's results as tables for people who have not read the code."""

from __future__ import annotations

import statistics

from support.agent_latency import FrameLatency
from support.agent_speed import Speed
from support.report import tabulate


def describe_speed(found: Speed) -> str:
    """Return the table of rates: medians over the runs, and ratios taken within each run."""
    alone = {
        "OpenVINO alone, one after the other": found.bare,
        "OpenVINO alone, several side by side": found.bare_ahead,
        "the detector in a loop": found.detector,
    }
    both = (found.bare, found.bare_ahead)
    rows = [
        (name, f"{statistics.median(rates):,.0f}", *(_compare(rates, bare) for bare in both))
        for name, rates in alone.items()
    ]
    notes = []
    for rule, runs in found.agent.items():
        rates = [run.frames_per_s for run in runs]
        ratios = (_compare(rates, bare) for bare in both)
        rows.append((f"agent, {rule}", f"{statistics.median(rates):,.0f}", *ratios))
        events, published, peak_mb = (
            statistics.median(getattr(run, name) for run in runs)
            for name in ("events_per_s", "published_per_s", "peak_mb")
        )
        notes.append(f"{rule}: {events:.1f} events/s, {published:.1f} published/s, {peak_mb:.0f} MB resident")
    lines = "\n".join(notes)
    heads = ("frames of 640 x 480", "frames/s", "/ one after the other", "/ side by side")
    return f"""\
Speed: the shipped detector, the display watched, events published. Medians of {len(found.bare)} runs.

{tabulate(heads, rows)}

{lines}
"""


def _compare(rates: list[float], others: list[float]) -> str:
    return f"{statistics.median(one / other for one, other in zip(rates, others, strict=True)):.2f}"


def describe_frame_latency(found: FrameLatency) -> str:
    """Return the table of latencies from frame to commit."""
    heads = ("frames/s", "events", "p50, ms", "p99, ms", "max, ms", "agent, MB resident")
    figures = (found.p50_ms, found.p99_ms, found.max_ms)
    row = (f"{found.fps:g}", found.events, *(f"{ms:.1f}" for ms in figures), f"{found.agent_peak_mb:.0f}")
    return f"""\
Latency: from the moment a frame was taken until the hub had committed its event and picture.

{tabulate(heads, [row])}
"""

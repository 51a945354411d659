"""Writes the agent's figures in Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from edge.health import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MEANINGS = {
    "fps": "Frames looked at per second, over the last ten seconds.",
    "frames": "Frames looked at.",
    "events": "Events spooled.",
    "withheld": "Findings that were no news under the capture rules.",
    "dropped": "Frames and findings given up for newer ones or refused by the disk.",
    "spool_records": "Records that the hub has not acknowledged.",
    "spool_bytes": "About how many bytes the spool's records take.",
    "temperature_c": "Temperature of the hottest zone, degrees Celsius.",
}
_COUNTS = frozenset({"frames", "events", "withheld", "dropped"})
_NAMES = {"temperature_c": "temperature_celsius"}


def write_metrics(health: Health) -> str:
    """Return the figures as text; one that is not known is left out."""
    figures = health.model_dump(exclude_none=True)
    lines = [line for name in _MEANINGS if name in figures for line in _write(name, figures[name])]
    return "\n".join([*lines, *_write_quantiles(health), ""])


def _write(name: str, figure: float) -> list[str]:
    counts = name in _COUNTS
    full = f"lenshub_edge_{_NAMES.get(name, name)}{'_total' if counts else ''}"
    kind = "counter" if counts else "gauge"
    return [f"# HELP {full} {_MEANINGS[name]}", f"# TYPE {full} {kind}", f"{full} {figure}"]


def _write_quantiles(health: Health) -> list[str]:
    if health.inference_ms_p50 is None or health.inference_ms_p95 is None:
        return []
    name = "lenshub_edge_inference_seconds"
    return [
        f"# HELP {name} Time the model takes for a frame, over the last frames.",
        f"# TYPE {name} gauge",
        f'{name}{{quantile="0.5"}} {health.inference_ms_p50 / 1000:.6f}',
        f'{name}{{quantile="0.95"}} {health.inference_ms_p95 / 1000:.6f}',
    ]

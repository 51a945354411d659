"""Writes the agent's figures in Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge.health import COUNTS, CameraHealth, Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OF_CAMERA = {
    "up": "Whether the camera gives frames.",
    "fps": "Frames looked at per second, over the last ten seconds.",
    "frames": "Frames looked at.",
    "events": "Events spooled.",
    "withheld": "Findings that were no news under the capture rules.",
    "dropped": "Frames and findings given up for newer ones or refused by the disk.",
    "unreadable": "What the source gave and was no picture.",
}
_OF_AGENT = {
    "spool_records": "Records that the hub has not acknowledged.",
    "spool_bytes": "About how many bytes the spool's records take.",
    "temperature_c": "Temperature of the hottest zone, degrees Celsius.",
}
_NAMES = {"temperature_c": "temperature_celsius"} | {name: f"{name}_total" for name in COUNTS}
_QUANTILES = {"0.5": "inference_ms_p50", "0.95": "inference_ms_p95"}


def write_metrics(health: Health) -> str:
    """Return the figures as text; those of a camera that has a name are labelled with it, and not summed up.
    One that is not known is left out."""
    cameras: Mapping[str, CameraHealth] = health.cameras or {"": health}
    lines: list[str] = []
    for name, meaning in _OF_CAMERA.items():
        lines += _write(name, meaning, {_label(camera): getattr(cameras[camera], name) for camera in cameras})
    for name, meaning in _OF_AGENT.items():
        lines += _write(name, meaning, {"": getattr(health, name)})
    meaning = "Time the model takes for a frame, over the last frames."
    return "\n".join([*lines, *_write("inference_seconds", meaning, dict(_find_quantiles(cameras))), ""])


def _write(name: str, meaning: str, figures: Mapping[str, float | None]) -> list[str]:
    """Return a figure's lines, by labels; without any if it is not known."""
    full = f"lenshub_edge_{_NAMES.get(name, name)}"
    kind = "counter" if name in COUNTS else "gauge"
    known = [f"{full}{label} {+figure}" for label, figure in figures.items() if figure is not None]
    return [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", *known] if known else []


def _label(camera: str, **more: str) -> str:
    labels = ({"camera": camera} if camera else {}) | more
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{pairs}}}" if labels else ""


def _find_quantiles(cameras: Mapping[str, CameraHealth]) -> Iterator[tuple[str, float]]:
    for camera, health in cameras.items():
        for quantile, name in _QUANTILES.items():
            if (milliseconds := getattr(health, name)) is not None:
                yield _label(camera, quantile=quantile), round(milliseconds / 1000, 6)

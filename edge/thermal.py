"""Reads the machine's temperature, where the kernel has it."""

from __future__ import annotations

from pathlib import Path

ZONES = Path("/sys/class/thermal")
COLDEST_C, HOTTEST_C = -60, 200  # what lies outside is a sensor that is not there


def read_temperature(zones: Path = ZONES) -> float | None:
    """Return the hottest zone's temperature in degrees Celsius, or None where none can be read."""
    found = [_read_zone(file) for file in zones.glob("thermal_zone*/temp")]
    return max((celsius for celsius in found if celsius is not None), default=None)


def _read_zone(file: Path) -> float | None:
    try:
        celsius = int(file.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
    return celsius if COLDEST_C < celsius < HOTTEST_C else None

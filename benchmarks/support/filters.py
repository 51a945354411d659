"""What a hundred plugin instances cost whose matches leave every event out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from support.broker import mosquitto
from support.hub_process import FOUR_NOOPS, database_of, dispatched, running_hub, write_settings
from support.publisher import DEVICE, LABEL, Publisher

INSTANCES = 100
ARRANGEMENTS = {True: "each for a camera of its own", False: "all for one camera"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _schedule(number: int, *, holds: bool) -> str:
    """Return hours that are always, or of a day that is not near; each number's its own."""
    days, hours = (DAYS, '"00:00-24:00", ') if holds else ((DAYS[(datetime.now(UTC).weekday() + 3) % 7],), "")
    own = f'"{number // 60:02}:{number % 60:02}-17:00"'
    return f'{{ weekdays = {list(days)}, hours = [{hours}{own}], timezone = "Europe/Berlin" }}'


def _zones(number: int, *, holds: bool) -> str:
    """Return a zone that both objects are in, or one beside them; each number's its own."""
    shift = number / 1000
    left, right = (0.01 + shift, 0.9) if holds else (0.75 + shift, 0.8 + shift)
    return f"{{ own = [[{left:.3f}, 0.1], [{right:.3f}, 0.1], [{right:.3f}, 0.9], [{left:.3f}, 0.8]] }}"


def _conditions(number: int) -> str:
    """Return five conditions unlike any other number's, of which what is published meets all but one."""
    label, confidence, box, zone, schedule = (number % 5 != unmet for unmet in range(5))
    labels = f'"{LABEL}", "label-{number}*"' if label else f'"label-{number}*"'
    return ", ".join(
        (
            f"labels = [{labels}]",
            f"min_confidence = {(0.5 if confidence else 0.94) + number / 10_000:.4f}",
            f"box = {{ min_area = {(0.01 if box else 0.5) + number / 10_000:.4f} }}",
            f"zones = {_zones(number, holds=zone)}",
            f"schedule = {_schedule(number, holds=schedule)}",
        )
    )


def make_tables(*, own_cameras: bool) -> str:
    """Return a hundred tables: each for a device of its own (one sends), or all for the one that sends."""
    tables = []
    for number in range(INSTANCES):
        device = f"camera-{number:02}" if own_cameras else DEVICE
        match = f'devices = ["{device}"], {_conditions(number)}'
        tables.append(f'[plugins.filter-{number}]\nuse = "noop"\nmatch = {{ {match} }}\n')
    return "".join(tables)


@dataclass(frozen=True)
class FilterPair:
    """One backlog each, without and with the hundred; events/s and CPU in microseconds an event."""

    without_per_s: float
    with_per_s: float
    ratio: float
    without_cpu_us: float
    with_cpu_us: float
    filtered: int


@dataclass(frozen=True)
class Filters:
    """All pairs of one arrangement, and the median of what is left of the speed."""

    arrangement: str
    sent: int
    pairs: Sequence[FilterPair]
    median_ratio: float


def measure_filters(folder: Path, messages: int, runs: int) -> list[Filters]:
    """Measure both arrangements; which of a pair comes first alternates."""
    found = []
    for own_cameras, arrangement in ARRANGEMENTS.items():
        tables = make_tables(own_cameras=own_cameras)
        place = folder / f"filters-{own_cameras}"
        place.mkdir()
        pairs = [_measure_pair(place / f"run-{number}", messages, tables, number) for number in range(runs)]
        found.append(Filters(arrangement, messages, pairs, median(pair.ratio for pair in pairs)))
    return found


def _measure_pair(folder: Path, messages: int, tables: str, number: int) -> FilterPair:
    folder.mkdir()
    times = {}
    for filters in ("", tables) if number % 2 == 0 else (tables, ""):
        times[bool(filters)] = _measure(folder / str(bool(filters)), messages, filters)
    (without_s, without_cpu_s, _), (with_s, with_cpu_s, filtered) = times[False], times[True]
    return FilterPair(
        without_per_s=messages / without_s,
        with_per_s=messages / with_s,
        ratio=without_s / with_s,
        without_cpu_us=without_cpu_s / messages * 1e6,
        with_cpu_us=with_cpu_s / messages * 1e6,
        filtered=filtered,
    )


def _measure(folder: Path, messages: int, filters: str) -> tuple[float, float, int]:
    """Return seconds from the first message to the last cursor behind it, CPU seconds, events left out."""
    folder.mkdir()
    with mosquitto(folder / "broker") as port:
        write_settings(folder, port, FOUR_NOOPS + filters)
        with running_hub(folder) as hub:
            hub.wait_until_connected()  # its session exists from here on
        with Publisher(port) as publisher:
            publisher.publish(messages)
        with running_hub(folder) as hub, database_of(folder) as ask:
            hub.wait_until_connected()
            cpu_before_s = hub.cpu_s()
            end = hub.wait_until(dispatched(ask, messages))
            cpu_s = hub.cpu_s() - cpu_before_s
            first = datetime.fromisoformat(ask("SELECT min(received_at) FROM messages")).replace(tzinfo=UTC)
            return end - first.timestamp(), cpu_s, ask("SELECT sum(filtered) FROM cursors")

"""Runs `lenshub report` as people do, and asks the kernel what it took."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.report import tabulate

from hub.store.database import hub_lock
from hub.store.overview import reading_in_threads
from hub.store.quarters import add_portion, count_portion, forget_sums, read_newest
from hub.store.tallying import PORTION

COMMAND = (Path(sys.executable).with_name("lenshub"), "report")
SINCE = ("--since", "2026-10-25")
FIRST = "terminal, the first"
# What is asked for; (--help) only starts the program, as the others do too. The first report has to add
# up the log, no hub having done so. Sums do not know of a least confidence: every event is read.
ASKED = {
    FIRST: (),
    "(--help)": ("--help",),
    "terminal": (),
    "terminal, Asia/Kolkata": ("--timezone", "Asia/Kolkata"),
    "terminal, the last week": SINCE,
    "terminal, one device": ("--device", "Chicago02"),
    "terminal, one label": ("--label", "cup"),
    "terminal, of some confidence": ("--min-confidence", "0.01"),
    "CSV": ("--csv", "report.csv"),
    "PNG": ("--png", "report.png"),
}


@dataclass(frozen=True)
class Reported:
    """Medians of some runs of one report: seconds, seconds of CPU, and resident MB at most."""

    asked: str
    detections: int
    seconds: float
    cpu_s: float
    peak_mb: float


def measure_reports(folder: Path, runs: int, names: Sequence[str]) -> list[Reported]:
    """Run some kinds of report on the store in a folder: the first alone, the others as if a hub ran.

    A hub that keeps up leaves a portion's events at most to the report; here it is one less than that.
    """
    data_dir = folder / "lenshub-data"
    found = [_measure(folder, FIRST, runs, partial(_add_up, data_dir, 0))] if FIRST in names else []
    _add_up(data_dir, _newest(data_dir) - PORTION + 1)
    with hub_lock(data_dir):
        return [*found, *(_measure(folder, name, runs) for name in names if name != FIRST)]


def _newest(data_dir: Path) -> int:
    with reading_in_threads(data_dir) as engine, engine.connect() as connection:
        return read_newest(connection)


def _add_up(data_dir: Path, up_to: int) -> None:
    """Have the sums go up to an id and no further."""
    with reading_in_threads(data_dir) as engine:
        for first in range(0, max(up_to, 1), PORTION):
            with engine.begin() as connection:
                if not first:
                    forget_sums(connection)
                add_portion(connection, count_portion(connection, first, min(first + PORTION, max(up_to, 0))))


def _measure(folder: Path, name: str, runs: int, prepare: Callable[[], None] = lambda: None) -> Reported:
    taken = []
    for _ in range(runs):
        prepare()
        taken.append(_run(folder, ASKED[name]))
    seconds, cpu_s, peak_mb = (
        statistics.median(values) for values in zip(*(t[1:] for t in taken), strict=True)
    )
    return Reported(name, taken[0][0], seconds, cpu_s, peak_mb)


def _run(folder: Path, arguments: Sequence[str]) -> tuple[int, float, float, float]:
    """Return detections told, seconds, seconds of CPU, and MB."""
    begin = time.monotonic()
    with (folder / "told").open("wb") as told:
        running = subprocess.Popen([*COMMAND, *arguments], cwd=folder, stdout=told)
        _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    found = re.search(r"^([\d,]+) detections? in", (folder / "told").read_text(), re.MULTILINE)
    count = int(found[1].replace(",", "")) if found else 0
    return count, time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def describe_reports(found: Sequence[Reported], events: int) -> str:
    """Return the table."""
    heads = ("report", "detections", "seconds", "CPU, s", "at most, MB")
    rows = [
        (one.asked, f"{one.detections:,}", f"{one.seconds:.2f}", f"{one.cpu_s:.2f}", f"{one.peak_mb:.0f}")
        for one in found
    ]
    return f"""\
Reports over {events:,} events, from starting the program to its end

{tabulate(heads, rows)}
"""

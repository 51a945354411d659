"""Runs `lenshub report` as people do, and asks the kernel what it took."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.report import tabulate

COMMAND = (Path(sys.executable).with_name("lenshub"), "report")
SINCE = ("--since", "2026-10-25")
# What is asked for; the first only starts the program, which the others do as well.
ASKED = {
    "(--help)": ("--help",),
    "terminal": (),
    "terminal, Asia/Kolkata": ("--timezone", "Asia/Kolkata"),
    "terminal, the last week": SINCE,
    "terminal, one device": ("--device", "Chicago02"),
    "terminal, one label": ("--label", "cup"),
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
    """Run some kinds of report on the store in a folder."""
    return [_measure(folder, name, ASKED[name], runs) for name in names]


def _measure(folder: Path, name: str, arguments: Sequence[str], runs: int) -> Reported:
    taken = [_run(folder, arguments) for _ in range(runs)]
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

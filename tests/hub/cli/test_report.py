"""`lenshub report`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.event import Detection

NIGHT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.fixture
async def seen(data: Any, arrivals: Any, soon: Any) -> Any:
    """A store with three detections of two devices, one with a label that is no markup."""
    cup, odd = Detection(label="cup", confidence=0.5), Detection(label="[red]\u202ex", confidence=1.0)
    new = [
        arrivals.event("porch", captured_at=NIGHT, detections=(cup, odd), source="deeplens"),
        arrivals.event("yard", captured_at=NIGHT.replace(hour=1), detections=(cup,), source="deeplens"),
    ]
    await soon(data.add(*map(arrivals.plain, new)))
    return data


def test_report_tells_counts_and_means(lenshub: Any, seen: Any) -> None:
    told = lenshub("report", "--timezone", "Europe/Berlin").output

    assert "3 detections in 2 events of 2 devices, mean confidence 66.67%, times of Europe/Berlin" in told
    assert "2026-10-25           3  " in told
    assert "[red]\\u202ex" in told
    for section in (
        "Per day",
        "Per hour of each day, all devices",
        "porch: per day",
        "Confidence",
        "Frames",
    ):
        assert section in told


def test_report_as_json_tells_the_two_hours_of_an_autumn_night_apart(lenshub: Any, seen: Any) -> None:
    rows = json.loads(lenshub("report", "--timezone", "Europe/Berlin", "--json").output)

    assert [(row["hour"], row["detections"]) for row in rows if row["figure"] == "hour"] == [
        ("2026-10-25T02:00:00+02:00", 2),
        ("2026-10-25T02:00:00+01:00", 1),
    ]


def test_report_takes_since_and_until_of_the_clock_on_the_wall(lenshub: Any, seen: Any) -> None:
    told = lenshub(
        "report", "--timezone", "Asia/Kolkata", "--since", "2026-10-25T06:30", "--until", "2026-10-26"
    ).output

    assert "1 detection in 1 event of 1 device, mean confidence 50.00%" in told


def test_report_writes_the_files_that_are_asked_for(lenshub: Any, seen: Any, folder: Any) -> None:
    done = lenshub("report", "--csv", "a.csv", "--html", "a.html", "--png", "a.png", "--parquet", "a.parquet")

    assert done.exit_code == 0
    assert "wrote a.parquet" in done.output
    assert [(folder / f"a.{kind}").read_bytes()[:4] for kind in ("csv", "html", "png", "parquet")] == [
        b"figu",
        b"<!do",
        b"\x89PNG",
        b"PAR1",
    ]


def test_report_of_an_empty_store_says_so(lenshub: Any, data: Any) -> None:
    done = lenshub("report")

    assert (done.exit_code, "no events: nothing is stored" in done.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "problem", "code"),
    [
        (("--timezone", "Mars/Olympus"), "--timezone: there is no zone 'Mars/Olympus'", 2),
        (("--timezone", "../../etc/passwd"), "--timezone: there is no zone", 2),
        (("--since", "2026-10-26", "--until", "2026-10-25"), "is not after --since", 2),
        (("--since", "yesterday"), "Invalid value for '--since'", 2),
        (("--min-confidence", "90"), "Invalid value for '--min-confidence'", 2),
        (("--csv", "no/such/folder.csv"), "no/such/folder.csv: no/such is no folder", 1),
        (("--html", "."), ".: is a folder; name a file in it", 1),
        (("--csv", "a.csv", "--png", "a.csv"), "a.csv: two files of one name", 2),
    ],
)
def test_report_says_what_is_wrong(
    lenshub: Any, data: Any, arguments: tuple[str, ...], problem: str, code: int
) -> None:
    done = lenshub("report", *arguments)

    assert (done.exit_code, problem in done.output) == (code, True), done.output

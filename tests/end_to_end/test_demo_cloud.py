"""The cloud demo, run as a user runs it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory, mosquitto_path: str) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("cloud")
    options = ["demo", "--cloud", "--seconds", "24", "--json", "--folder", str(folder)]
    command = [sys.executable, "-c", "from hub.cli import app; app()", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_cloud_demo_stores_every_picture_once(summary: dict[str, Any]) -> None:
    assert summary["events"] == summary["wanted"]
    assert set(summary["events"]) == {"signs", "books", "thumbs"}
    assert summary["duplicates"] > 0


def test_cloud_demo_pays_for_every_picture_once(summary: dict[str, Any]) -> None:
    assert summary["paid_twice"] == 0
    assert {call["operation"]: call["answered"] - call["wanted"] for call in summary["calls"]} == {
        "labels": 0,
        "text": 0,
        "model": 0,
        "custom-labels": 0,
    }


def test_cloud_demo_refuses_what_is_no_picture(summary: dict[str, Any]) -> None:
    assert set(summary["refused"]) == {"bad_notification", "image_gone", "picture_not_jpeg"}
    assert summary["left"] == summary["dead_letters"] == 0


def test_cloud_demo_stops_the_model_that_it_started(summary: dict[str, Any]) -> None:
    assert [batch["state"] for batch in summary["batches"]] == ["ended"]
    assert summary["model"] == "STOPPED"


def test_cloud_demo_counts_what_the_calls_cost(summary: dict[str, Any]) -> None:
    with closing(sqlite3.connect(f"file:{summary['paths']['database']}?mode=ro", uri=True)) as connection:
        [(cost,)] = connection.execute("SELECT sum(price) FROM calls")
    hours = sum(batch["usd"] for batch in summary["batches"])
    assert summary["usd"] == pytest.approx(cost + hours, abs=1e-5)


def test_cloud_demo_archives_every_event(summary: dict[str, Any]) -> None:
    archived = list(Path(summary["paths"]["archive"]).rglob("raw_images/**/*.jpg"))
    assert len(archived) == sum(summary["events"].values())

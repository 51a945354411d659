"""The loop as a user runs it: capture, review, export, training, evaluation, and the new model at work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.model_card import read_card
from hub.cli.demo_loop import print_loop
from hub.demo.loop.summary import LoopSummary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory, mosquitto_path: str) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("loop")
    command = [sys.executable, "-c", "from hub.cli import app; app()", "demo", "--retrain"]
    options = ["--frames", "60", "--json", "--folder", str(folder)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=590)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_loop_makes_a_model_that_is_better_on_scenes_it_has_not_seen(summary: dict[str, Any]) -> None:
    assert summary["verdict"] == "better"
    assert summary["old"]["ap50"] < 0.75
    assert summary["new"]["ap50"] > summary["old"]["ap50"] + 0.15
    assert summary["change"][0] > 0


def test_loop_learns_from_what_was_captured_and_reviewed(summary: dict[str, Any]) -> None:
    captured = sum(summary["captured"].values())
    assert 10 < captured <= summary["events"] <= summary["frames"] == 60
    assert sum(summary["reviewed"].values()) == captured
    assert sum(summary["pictures"].values()) == captured
    assert set(summary["captured"]) <= {"near_threshold", "negative", "confident"}


def test_loop_ends_with_the_new_model_at_work_on_the_agent(summary: dict[str, Any]) -> None:
    assert read_card(Path(summary["paths"]["new model"])).version == summary["new"]["version"]
    assert summary["watched"]["frames"] == 48
    found = summary["watched"]["events"] / summary["watched"]["with_thumbs_up"]
    assert found > summary["old"]["recall"] + 0.2  # training differs from run to run


def test_loop_prints_the_figures_before_and_after(
    summary: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_loop(LoopSummary.model_validate(summary))
    said = capsys.readouterr().out
    assert f"{summary['old']['ap50']:.3f}" in said
    assert f"{summary['new']['ap50']:.3f}" in said

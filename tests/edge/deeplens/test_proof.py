"""Every old function, through the command and a real broker, into a real hub: nothing is lost on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("proof.py")
FUNCTIONS = sorted(path.name for path in PROGRAM.with_name("functions").glob("*_py[23].py"))
SEEN = {
    "thumbs_up": [("thumbs-up", 0.91)],
    "face_detection": [("face", 0.91), ("face", 0.42)],
    "classification": [("dog", 0.7), ("cat", 0.2)],
}
SAID = {
    "thumbs_up_v1": {"info", "model_loaded"},
    "thumbs_up_v2": {"info"},
    "thumbs_up_v3": {"model_loaded"},
    "classification": {"model_loaded"},
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(mosquitto_path: str) -> dict[str, Any]:
    """What came of each function, by its file's name."""
    done = subprocess.run([sys.executable, str(PROGRAM), "--json"], capture_output=True, text=True)
    assert done.stdout, done.stderr
    return {row["function"]: row for row in json.loads(done.stdout)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_loops_without_a_crash(rows, function):
    row = rows[function]
    assert (row["exit"], row["crashes"], row["missing"]) == (0, 0, [])
    assert row["frames"] >= row["inferences"] >= 2


@pytest.mark.parametrize("function", FUNCTIONS)
def test_everything_that_a_function_published_is_in_the_hub(rows, function):
    row = rows[function]
    said = [kind for kind, _ in row["statuses"] if kind not in ("online", "offline")]
    assert row["quarantined"] == []
    arrived = row["events"] + row["links"] + len(said)
    # what was stopped on its way may have arrived and be kept too
    assert row["published"] - row["unsent"] <= arrived <= row["published"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_links_that_a_function_sends_before_its_records_are_joined_to_them(rows, function):
    assert bool(rows[function]["links"]) == function.startswith("thumbs_up_v2")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_labels_and_confidences_of_a_function_are_right_in_the_hub(rows, function):
    seen = [(label, pytest.approx(confidence)) for label, confidence, _ in rows[function]["detections"]]
    assert seen == next(expected for kind, expected in SEEN.items() if function.startswith(kind))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_statuses_of_a_function_and_of_its_process_are_in_the_hub(rows, function):
    kinds = [kind for kind, _ in rows[function]["statuses"]]
    expected = next((said for kind, said in SAID.items() if function.startswith(kind)), set())
    assert (kinds[0], kinds[-1]) == ("online", "offline")
    assert expected <= set(kinds)
    assert "error" not in kinds


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_old_code_is_repaired(rows, function):
    assert bool(rows[function]["repairs"]) == (function != "thumbs_up_v3_py3.py")

"""The command line of the agent."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.demo.glyphs import THUMBS_UP, cut_glyph
from edge.model import shipped_models
from edge.spool import Spool


@pytest.fixture
def thumb(tmp_path: Path) -> Path:
    """A picture with one thumb up."""
    glyph = cut_glyph(THUMBS_UP).pixels
    frame = np.full((240, 426, 3), (120, 90, 60), np.uint8)
    seen = glyph[:, :, 3] > 127
    frame[60 : 60 + glyph.shape[0], 100 : 100 + glyph.shape[1]][seen] = glyph[:, :, :3][seen]
    cv2.imwrite(str(tmp_path / "thumb.png"), frame)
    return tmp_path / "thumb.png"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_infer_prints_detections_as_json_when_asked(thumb):
    result = call("infer", thumb, "--json")
    detection = json.loads(result.stdout)["detections"][0]
    assert detection["label"] == "thumbs-up"
    assert set(detection["box"]) == {"left", "top", "width", "height"}


def test_infer_prints_detections_for_people(thumb):
    assert "thumbs-up: 9" in call("infer", thumb).stdout


def test_infer_goes_on_and_exits_with_one_when_a_picture_cannot_be_read(thumb, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"x")
    result = call("infer", tmp_path / "broken.jpg", tmp_path / "missing.jpg", thumb, "--json")
    assert (result.exit_code, len(result.stdout.splitlines())) == (1, 1)
    assert "broken.jpg: cannot decode" in result.stderr


def test_models_lists_the_shipped_models():
    names = {model["name"]: model["labels"] for model in json.loads(call("models", "--json").stdout)}
    assert names == {"hiragana": ["あ", "い", "う", "え", "お", "other"], "thumbs-up": ["thumbs-up"]}


def test_run_prints_every_problem_and_exits_with_two_when_agent_toml_is_wrong(tmp_path):
    (tmp_path / "agent.toml").write_text("[agent]\ndevise = 'x'\n[camera]\nevery = 0\n")
    result = call("run", "--config", tmp_path / "agent.toml")
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "agent.device",
        "agent.devise",
        "camera.every",
    ]


def test_run_exits_with_two_when_the_model_cannot_be_loaded(tmp_path):
    result = call("run", "--device", "cam-1", "--spool", tmp_path / "s.db", "--model", tmp_path)
    assert (result.exit_code, "is this a model folder?" in result.stderr) == (2, True)


def test_lambda_exits_with_two_when_the_broker_is_to_be_spoken_to_in_311(tmp_path):
    (tmp_path / "agent.toml").write_text('[agent]\ndevice = "x"\n[broker]\nprotocol = "3.1.1"\n')
    (tmp_path / "loop.py").touch()
    result = call(
        "lambda", tmp_path / "loop.py", "--thing=x", "--source=0", "--config", tmp_path / "agent.toml"
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("broker.protocol: must be 5 or auto for an old function")


@pytest.mark.parametrize("command", [[], ["run"], ["infer"], ["models"]])
def test_help_teaches_with_examples(command):
    assert "Example" in call(*command, "--help").stdout


def test_spool_status_tells_what_waits_when_an_agent_has_it_open(tmp_path):
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append(b"{}", b"picture")
        spool.append(b"{}")
        found = json.loads(call("spool", "status", "--spool", spool.path, "--json").stdout)
    assert {key: found[key] for key in ("waiting", "records", "lost", "pictures", "bytes")} == {
        "waiting": 2,
        "records": 2,
        "lost": 0,
        "pictures": 1,
        "bytes": 11,
    }


def test_spool_status_is_for_people_too(tmp_path):
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append(b"{}")
    assert (
        "1 not yet with the hub, the oldest since 2" in call("spool", "status", "--spool", spool.path).stdout
    )


@pytest.mark.parametrize("content", [None, b"no database, but long enough to be read as one" * 50])
def test_spool_status_exits_with_one_line_when_there_is_no_spool(tmp_path, content):
    if content:
        (tmp_path / "spool.db").write_bytes(content)
    result = call("spool", "status", "--spool", tmp_path / "spool.db")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_models_prints_whole_paths_on_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    result = CliRunner().invoke(app, ["models"])
    assert all(f": {folder}\n" in result.stdout for folder in shipped_models())

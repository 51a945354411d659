"""Options of `lenshub demo` that do not go together."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from hub.cli import app


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--retrain", "--cloud"], "--retrain is a demo of its own"),
        (["--retrain", "--model", "hiragana"], "--retrain is a demo of its own"),
        (["--frames", "40"], "--frames is for --retrain"),
        (["--retrain", "--frames", "31"], "32"),
    ],
)
def test_demo_refuses_options_that_do_not_go_together(options, said, tmp_path):
    done = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(
        app, ["demo", *options, "--folder", str(tmp_path)]
    )
    assert done.exit_code != 0
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_demo_prints_one_json_object_when_it_fails(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = CliRunner().invoke(app, ["demo", "--retrain", "--json", "--folder", str(blocked)])
    assert done.exit_code == 1
    assert str(blocked) in json.loads(done.stdout)["error"]
    assert str(blocked) in done.stderr

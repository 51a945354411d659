"""Options of `lenshub demo` that do not go together."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hub.cli import app


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--retrain", "--cloud"], "--retrain is a demo of its own"),
        (["--retrain", "--model", "hiragana"], "--retrain is a demo of its own"),
        (["--frames", "20"], "--frames is for --retrain"),
        (["--retrain", "--frames", "3"], "16"),
    ],
)
def test_demo_refuses_options_that_do_not_go_together(options, said, tmp_path):
    done = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(
        app, ["demo", *options, "--folder", str(tmp_path)]
    )
    assert done.exit_code != 0
    assert said in done.output
    assert not list(tmp_path.iterdir())

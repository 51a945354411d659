"""docs/review.md: its table is configuration, its program runs, and every key and setting is in it."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from hub.cli import app
from hub.cli.reviewing.board import HELP
from hub.config import Config
from hub.review.editing import USAGE
from hub.review.settings import ReviewSettings
from hub.store.database import upgrade
from hub.verdicts import DISPUTED, OPEN, WORDS

TEXT = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")


def test_table_of_the_docs_has_every_setting_and_its_default():
    (table,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    said = tomllib.loads(table)

    assert Config.model_validate(said).review == ReviewSettings()
    assert said["review"].keys() == ReviewSettings.model_fields.keys()


def test_every_key_attribute_and_state_is_in_the_docs():
    named = re.findall(r"^(\S+)", HELP, re.MULTILINE)
    assert set(USAGE) <= set(named)
    assert [key for key in named if key != "space" and f"`{key}`" not in TEXT] == []
    assert [name for name in (*WORDS, DISPUTED, OPEN) if f"`{name}`" not in TEXT] == []


def test_commands_of_the_docs_are_known():
    for command in set(re.findall(r"`lenshub review (list|accept|reject|correct|undo|status)", TEXT)):
        assert CliRunner().invoke(app, ["review", command, "--help"]).exit_code == 0


def test_program_of_the_docs_runs(tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 - the docs' own
    upgrade(tmp_path)

    asyncio.run(names["accept_all"](tmp_path))

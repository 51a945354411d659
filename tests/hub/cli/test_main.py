"""A command is run with its own module alone, and looks as it does among all."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from hub.cli import app
from hub.cli.main import find_command


@pytest.mark.parametrize("command", ["report", "status", "events", "device"])
def test_command_alone_has_the_help_it_has_among_all(command: str) -> None:
    alone = find_command(command)
    assert alone is not None
    helps = [CliRunner().invoke(one, [command, "--help"]).output for one in (alone, app)]

    assert helps[0] == helps[1]


@pytest.mark.parametrize("name", ["app", "shared", "main", "no-such", "../run", "--help", "pause", ""])
def test_what_has_no_module_of_its_own_is_left_to_all_commands(name: str) -> None:
    assert find_command(name) is None


def test_every_command_is_found_either_way() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    alone = [name for name in known if find_command(name) is not None]

    assert {"run", "report", "status", "plugins", "dataset"} <= set(alone)


def test_report_starts_without_what_it_does_not_need() -> None:
    code = "import sys; from hub.cli.main import find_command; find_command('report'); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"alembic", "sqlalchemy.orm", "hub.program", "matplotlib"}.isdisjoint(said.stdout.split())

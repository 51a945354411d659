"""Where `lenshub` begins: imports the module of the command that is asked for, and no other if it can."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

NO_COMMANDS = frozenset({"app", "main", "shared"})
"""Modules here that are not named after a command."""
LOOKS: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "rich_markup_mode": "rich",
    "pretty_exceptions_enable": False,
}


def main() -> None:
    """Run the command line."""
    alone = find_command(sys.argv[1]) if len(sys.argv) > 1 else None
    (alone or import_module("hub.cli").app)()


def find_command(name: str) -> typer.Typer | None:
    """Return the command line with this command alone; None if it has no module of its own name."""
    if name in NO_COMMANDS or not name.isidentifier() or not Path(__file__).with_name(f"{name}.py").exists():
        return None
    module = import_module(f"hub.cli.{name}")
    alone = typer.Typer(**LOOKS)
    if (group := getattr(module, "app", None)) is not None:
        alone.add_typer(group, name=name)
    elif (command := getattr(module, name, None)) is not None:
        alone.command()(command)
        alone.callback()(_nothing)  # else it would be no group, and the name an argument
    else:
        return None
    return alone


def _nothing() -> None:
    """Do nothing before the command."""

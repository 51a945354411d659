"""Options that several commands have, and the one way to end a command with an error."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial, wraps
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar
from unicodedata import category

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.config import read_config
from hub.errors import ConfigError, HubError
from hub.store.database import Database

Given = ParamSpec("Given")
Result = TypeVar("Result")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file.", show_default="hub.toml here, or the defaults"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")]

PIPED_WIDTH = 200  # columns, where there is no terminal to ask
console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
complaints = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (right-to-left, joiners), surrogates, separators

INSIDE_PARAGRAPH = re.compile(r"(?<=\S)\n(?=\S)")
EXIT_ERROR = 1
EXIT_CONFIG = 2


def plainly(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Make a command end with one line an error, not a traceback: exit code 2 for configuration, else 1.

    Its help becomes one line a paragraph, which the terminal breaks where it ends.
    """

    @wraps(command)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            for problem in error.problems:
                complaints.print(as_shown(problem), style="red")
            raise typer.Exit(EXIT_CONFIG) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            complaints.print(as_shown(what), style="red")
            raise typer.Exit(EXIT_ERROR) from error
        except HubError as error:
            complaints.print(as_shown(str(error)), style="red")
            raise typer.Exit(EXIT_ERROR) from error

    wrapped.__doc__ = INSIDE_PARAGRAPH.sub(" ", cleandoc(command.__doc__ or ""))
    return wrapped


async def read_store(config: Path | None, ask: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    """Ask the configured store something."""
    from hub.store.overview import reading

    async with reading(read_config(config).hub.data_dir) as engine:
        return await ask(engine)


def read_instance(config: Path | None, plugin: str) -> dict[str, Any]:
    """Return the table of an instance in hub.toml.

    Raises:
        ConfigError: There is none of this name.
    """
    known = read_config(config).plugins
    if plugin not in known:
        names = ", ".join(sorted(known)) or "none"
        raise ConfigError(f"there is no plugin {plugin!r} in hub.toml (known: {names})")
    return known[plugin]


def refuse_idle(config: Path | None, plugin: str, what: str) -> None:
    """Raise StoreError if an instance delivers nothing, so that it cannot be snoozed and the like."""
    from hub.store.log import EventLog
    from hub.store.plugin_state import check_delivers

    question = partial(check_delivers, plugin=plugin, what=what)
    asyncio.run(read_store(config, lambda engine: EventLog(engine).ask(question)))


def print_json(value: Any) -> None:
    """Print JSON for programs: UTF-8, times as ISO 8601."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=ascii_only, default=_plain)
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")  # \ud800 is JSON's own escape
    sys.stdout.flush()  # so that a full disk is an error of this command


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def as_shown(value: object) -> str:
    """Return what a stranger wrote with markup, and marks that hide or reorder text, escaped."""
    signs = (repr(sign)[1:-1] if category(sign) in HIDDEN and sign != "\n" else sign for sign in str(value))
    return escape("".join(signs))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table for people; a value of None is shown as a dash."""
    if title:
        console.print(title, style="table.title", soft_wrap=True)  # a table's own breaks at the table's width
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("-" if value is None else as_shown(value) for value in row))
    console.print(table)
    if not table.rows:
        console.print("nothing", style="dim")

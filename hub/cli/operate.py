"""`lenshub pause`, `resume`, `retry` and `reload`: change what a running hub does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.shared import (
    EXIT_CONFIG,
    EXIT_ERROR,
    ConfigOption,
    JsonOption,
    as_shown,
    complaints,
    console,
    plainly,
    print_json,
)
from hub.commands.asking import ANSWER_S, ask_hub
from hub.commands.command import Command, Pause, Reload, Resume, Retry
from hub.config import read_config, read_data_dir
from hub.decode.message import Decoded, Message
from hub.instance_table import add_instance
from hub.program import decode_message
from hub.store.database import hub_is_running

PluginArgument = Annotated[str, typer.Argument(help="The instance, as `lenshub plugins` shows it.")]


def have_done(
    config: Path | None,
    command: Command,
    *,
    json: bool,
    exit_refused: int = EXIT_ERROR,
    timeout_s: float = ANSWER_S,
) -> None:
    """Have a command executed, by the hub or without one, and print the answer; exit so if it is refused."""
    answer = asyncio.run(ask_hub(read_data_dir(config), command, _decode_as(config), timeout_s))
    if json:
        print_json({"ok": answer.ok, "answer": answer.lines})
    else:
        for line in answer.lines:
            (console if answer.ok else complaints).print(as_shown(line), style=None if answer.ok else "red")
    if not answer.ok:
        raise typer.Exit(exit_refused)


def _reload(config: Path | None, *, json: bool) -> None:
    """Have hub.toml read again; what a running hub refuses is a wrong file."""
    running = hub_is_running(read_data_dir(config))
    have_done(config, Reload(), json=json, exit_refused=EXIT_CONFIG if running else EXIT_ERROR)


def _decode_as(config: Path | None) -> Callable[[Message], Decoded]:
    read = cache(lambda: read_config(config))  # only a command about messages needs it
    return lambda message: decode_message(read(), message)


@plainly
def pause(
    plugin: PluginArgument,
    reason: Annotated[str, typer.Option(help="Shown by `lenshub plugins`.")] = "by `lenshub pause`",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let a plugin deliver nothing until it is resumed. What is under way ends; new events wait for it.

    Example: lenshub pause tweet --reason "the account is being moved"
    """
    have_done(config, Pause(plugin=plugin, reason=reason), json=json)


@plainly
def resume(plugin: PluginArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Let a paused plugin go on where it stood: with the oldest event that it has not had.

    Example: lenshub resume tweet
    """
    have_done(config, Resume(plugin=plugin), json=json)


@plainly
def retry(
    plugin: PluginArgument,
    event: Annotated[
        int | None, typer.Option(min=1, max=2**63 - 1, help="Only this event; else all that failed.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only what is dead, not what is retrying.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Try dead and retrying deliveries again now, with all their attempts before them.

    Example: lenshub retry s3-archive --dead
    """
    outcomes = ("dead",) if dead else ("dead", "retrying")
    have_done(
        config, Retry.model_validate({"plugin": plugin, "event_id": event, "outcomes": outcomes}), json=json
    )


@plainly
def enable(
    plugin: Annotated[str, typer.Argument(help="The instance's name; a new one gets a table in hub.toml.")],
    use: Annotated[str | None, typer.Option(help="The installed plugin, if the name is another.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", "-s", help='A setting of the table, as TOML: `folder = "a"`.')
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Give an installed plugin a table in hub.toml, and have a running hub take it up.

    A table that would not work is not written, and every problem is said. One that is there already stays as
    it is; its plugin is started again if it does not run.

    Example: lenshub enable s3-archive --set 'folder = "archive"'
    """
    enabled = add_instance(config, plugin, use, setting or [])
    if hub_is_running(read_data_dir(config)):
        _reload(config, json=json)
    elif json:
        print_json({"ok": True, "answer": [enabled]})
    else:
        console.print(as_shown(f"{enabled}; it runs when the hub is started"))


@plainly
def reload(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Have the running hub read hub.toml again and apply what has changed, and nothing else.

    A wrong file is refused with every problem, and the hub goes on as it was.

    Example: lenshub reload
    """
    _reload(config, json=json)

"""`lenshub release`: lets a plugin run again that was held back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from hub.cli.shared import ConfigOption, console, plainly
from hub.config import read_config
from hub.errors import HubError
from hub.store.database import hub_is_running
from hub.watchdog.held_back import HeldBack


@plainly
def release(
    plugin: Annotated[str, typer.Argument(help="The instance's name in hub.toml.")],
    config: ConfigOption = None,
) -> None:
    """Let a plugin instance run again that is held back because it blocked or ended the hub.

    It runs once the hub is started, or told to reload. `lenshub plugins` shows which are held back, and why.
    """
    settings = read_config(config)
    if not HeldBack(settings.hub.data_dir, settings.plugins).release(plugin):
        raise HubError(f"{plugin} is not held back; `lenshub plugins` shows which are")
    then = ", once `lenshub reload` is given" if hub_is_running(settings.hub.data_dir) else ""
    console.print(f"{escape(plugin)} may run again{then}")

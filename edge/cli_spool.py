"""The commands `lenshub-edge spool`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge.start import ConfigOption, find_config
from hub.errors import HubError

if TYPE_CHECKING:
    from edge.spool_status import SpoolStatus

DEFAULT = Path("spool.db")
spool_app = typer.Typer(help="What is not yet with the hub.", no_args_is_help=True, rich_markup_mode="rich")
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


@spool_app.callback()
def _spool() -> None:
    """What is not yet with the hub."""


@spool_app.command()
def status(
    config: ConfigOption = None,
    spool: Annotated[Path | None, typer.Option(help="The spool's file.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Print what is in the spool; the agent may be running.

    [bold]Examples[/bold]

     lenshub-edge spool status
     lenshub-edge spool status --spool /var/lib/lenshub/spool.db --json
    """
    from edge.spool_status import read_status

    try:
        found = read_status(spool or _find(config))
    except HubError as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    if as_json:
        out.print_json(found.model_dump_json())
    else:
        _print(found)


def _find(config: Path | None) -> Path:
    from edge.config import read_config

    path = find_config(config)
    return read_config(path, {}).agent.spool if path else DEFAULT


def _print(found: SpoolStatus) -> None:
    since = f", the oldest since {found.oldest_at:%Y-%m-%d %H:%M:%S} UTC" if found.oldest_at else ""
    out.print(f"{found.path}: {found.waiting} not yet with the hub{since}", markup=False, highlight=False)
    table = Table("epoch", "waiting", "records", "pictures", "bytes")
    for epoch in found.epochs:
        counts = (epoch.waiting, epoch.records, epoch.pictures, epoch.bytes)
        table.add_row(epoch.epoch, *(f"{count:,}" for count in counts))
    out.print(table)

"""`lenshub db`: the database's version."""

from __future__ import annotations

import typer

from hub.cli.shared import ConfigOption, JsonOption, console, plainly, print_json
from hub.config import read_config
from hub.store.database import current_revision, hub_lock, newest_revision, upgrade

app = typer.Typer(no_args_is_help=True, help="See or raise the version of the database.")


@app.command("upgrade")
@plainly
def upgrade_(config: ConfigOption = None) -> None:
    """Bring the database to this program's version; `lenshub run` does so by itself."""
    data_dir = read_config(config).hub.data_dir
    with hub_lock(data_dir):
        before = current_revision(data_dir)
        after = upgrade(data_dir)
    console.print(
        f"database is at revision {after}" + (f" (was {before or 'none'})" if before != after else "")
    )


@app.command()
@plainly
def current(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show the database's revision and the newest one."""
    found = current_revision(read_config(config).hub.data_dir)
    if json:
        print_json({"current": found or None, "newest": newest_revision()})
    else:
        console.print(f"database: {found or 'none yet'}; this program: {newest_revision()}")

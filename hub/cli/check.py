"""`lenshub check`: is the configuration right, and can every plugin be made?"""

from __future__ import annotations

from pathlib import Path

from hub.checking import list_setting_problems
from hub.cli.shared import ConfigOption, JsonOption, as_shown, console, plainly, print_json
from hub.config import read_config, read_table
from hub.errors import ConfigError
from hub.images.overlap import list_overlaps
from hub.isolation.probe import list_problems
from hub.loading import Broken, load_instance
from hub.program import list_unread


@plainly
def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check hub.toml and its plugins; print every problem at once and exit with 2 if there is any.

    Example: lenshub check --config new.toml
    """
    path, table = read_table(config)
    problems = _check_settings(config)
    instances = table.get("plugins")
    tables = instances.items() if isinstance(instances, dict) else ()
    found = [load_instance(name, rest, path.parent) for name, rest in tables if isinstance(rest, dict)]
    for plugin in found:
        problems += [f"{path}: {line}" for line in list_problems(plugin)]
    if problems or (problems := [f"{path}: {line}" for line in list_unread(read_config(config), found)]):
        raise ConfigError(*problems)
    names = [plugin.instance.name for plugin in found if not isinstance(plugin, Broken)]
    if json:
        print_json({"plugins": names})
    else:
        where = as_shown(path) if path.exists() else "no hub.toml here: the defaults"
        console.print(f"{where}: all right; plugins: {as_shown(', '.join(names)) or 'none'}")


def _check_settings(config: Path | None) -> list[str]:
    try:
        found = read_config(config)
        return list_setting_problems(found) + list_overlaps(found.plugins, found.hub.data_dir)
    except ConfigError as error:
        return list(error.problems)

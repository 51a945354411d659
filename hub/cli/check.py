"""`lenshub check`: is the configuration right, and can every plugin be made?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from hub.broker import HOW_TO_INSTALL, has_private_broker
from hub.cli.shared import ConfigOption, JsonOption, console, plainly, print_json
from hub.config import PRIVATE, read_config, read_password, read_table
from hub.errors import ConfigError
from hub.isolation.isolated import Isolated
from hub.isolation.probe import try_out
from hub.listener import find_listener
from hub.loading import Broken, Loaded
from hub.program import load_plugins
from hub.wire.tls import Tls, list_expired, list_problems


@plainly
def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check hub.toml and its plugins; print every problem at once and exit with 2 if there is any."""
    path, table = read_table(config)
    problems = _check_settings(config)
    instances = table.get("plugins")
    tables = instances.items() if isinstance(instances, dict) else ()
    found = load_plugins({name: rest for name, rest in tables if isinstance(rest, dict)}, path.parent)
    for plugin in found:
        problems += [f"{path}: {line}" for line in _list_wrong(plugin)]
    if problems:
        raise ConfigError(*problems)
    names = [plugin.instance.name for plugin in found if not isinstance(plugin, Broken)]
    if json:
        print_json({"plugins": names})
    else:
        where = escape(str(path)) if path.exists() else "no hub.toml here: the defaults"
        console.print(f"{where}: all right; plugins: {escape(', '.join(names)) or 'none'}")


def _list_wrong(plugin: Loaded | Broken) -> tuple[str, ...]:
    if isinstance(plugin, Broken):
        return plugin.problems
    return try_out(plugin.plugin) if isinstance(plugin.plugin, Isolated) else ()


def _check_settings(config: Path | None) -> list[str]:
    problems: list[str] = []
    try:
        settings = read_config(config)
        if settings.mqtt.broker == PRIVATE and not has_private_broker():
            problems.append(HOW_TO_INSTALL)
        problems += _check_tls(settings.mqtt.tls) if settings.mqtt.tls else []
        problems += listener.list_problems() if (listener := find_listener(settings)) else []
        read_password(settings.mqtt)
    except ConfigError as error:
        problems += error.problems
    return problems


def _check_tls(tls: Tls) -> list[str]:
    return list_problems(tls) or [f"mqtt: {text}" for text in list_expired(tls, datetime.now(UTC))]

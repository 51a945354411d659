"""Finds plugins by entry point, makes instances of them, and says plainly why one cannot run."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Container, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
from pydantic import BaseModel, ValidationError

from hub.dispatch.instance import Instance, InstanceSettings
from hub.plugin import PluginContext, Specifications
from hub.problems import describe_problems

if TYPE_CHECKING:  # a plugin's own process has no use for the store
    from hub.store.plugin_state import PluginState

GROUP = "lenshub.plugins"
HOOKS = {
    "deliver": ("event", "frame", "delivery"),
    "digest": ("digest", "frame", "delivery"),
    "tick": ("now", "delivery"),
}
"""The hooks that dispatch calls, with the arguments they offer."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An instance that cannot run, with every reason found."""

    name: str
    problems: tuple[str, ...]
    from_beginning: bool = False
    state: PluginState = "failed"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An instance that was made but not entered: `plugin` is the author's object."""

    instance: Instance
    plugin: Any


def installed_plugins() -> dict[str, EntryPoint]:
    """Return the entry points of installed plugins, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def load_instance(name: str, table: Mapping[str, Any], data_dir: Path) -> Loaded | Broken:
    """Make one instance of a `[plugins.<name>]` table.

    Returns:
        The instance, or what is wrong with it. Nothing the plugin does while it is imported or made, not
        even SystemExit, reaches the caller.
    """
    found = _load(name, table, data_dir)
    if isinstance(found, Broken):
        return Broken(name, found.problems, table.get("start") == "beginning")
    return found


def _load(name: str, table: Mapping[str, Any], data_dir: Path) -> Loaded | Broken:
    place = f"plugins.{name}"
    problems, settings = read_settings(name, table)
    rest = {key: value for key, value in table.items() if key not in InstanceSettings.model_fields}
    entry = installed_plugins().get(settings.use or name)
    if entry is None:
        known = ", ".join(sorted(installed_plugins()))
        problems.append(f"{place}.use: no plugin {settings.use or name!r} is installed (installed: {known})")
        return Broken(name, tuple(problems))
    if settings.isolation == "process":
        return Broken(name, tuple(problems)) if problems else _isolate(name, settings, table, data_dir)
    made = _make(entry, place, rest, PluginContext(name, data_dir, logging.getLogger(f"plugins.{name}")))
    if isinstance(made, list):
        return Broken(name, (*problems, *made))
    if problems:
        return Broken(name, tuple(problems))
    return _register(name, settings, made)


def read_settings(name: str, table: Mapping[str, Any]) -> tuple[list[str], InstanceSettings]:
    """Return what is wrong with the hub's own part of a table, and that part, or its defaults."""
    own = {key: value for key, value in table.items() if key in InstanceSettings.model_fields}
    try:
        return [], InstanceSettings.model_validate(own)
    except ValidationError as error:
        return describe_problems(error, f"plugins.{name}", InstanceSettings), InstanceSettings()


def _isolate(name: str, settings: InstanceSettings, table: Mapping[str, Any], data_dir: Path) -> Loaded:
    """Return an instance whose code is never imported here; its own settings are checked in its process."""
    from hub.isolation.isolated import (
        AT_A_TIME,
        Isolated,
    )  # the process loads plugins too, and needs no store

    isolated = Isolated(name, settings, dict(table), data_dir)
    at_a_time = max(AT_A_TIME, settings.concurrency)
    return Loaded(Instance(name, settings, isolated.deliver, at_a_time=at_a_time), isolated)


def _make(entry: EntryPoint, place: str, rest: Mapping[str, Any], context: PluginContext) -> Any | list[str]:
    try:
        factory = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the plugin's code runs here for the first time
        return [f"{place}: cannot be imported from {entry.value}: {_reason(error)}"]
    model = getattr(factory, "Settings", None)
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        return [f"{place}: {entry.value} has no Settings model"]
    try:
        settings = model.model_validate(dict(rest))
    except ValidationError as error:
        return describe_problems(error, place, model, also=InstanceSettings.model_fields)
    try:
        return factory(settings, context)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the author's constructor
        return [f"{place}: cannot be made: {_reason(error)}"]


def _register(name: str, settings: InstanceSettings, plugin: Any) -> Loaded | Broken:
    manager = pluggy.PluginManager("lenshub")
    manager.add_hookspecs(Specifications)
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        return Broken(name, (f"plugins.{name}: does not fit the hooks: {error}",))
    found: dict[str, Any] = {}
    for hook, arguments in HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if not inspect.iscoroutinefunction(implementation.function):
                return Broken(name, (f"plugins.{name}: {hook} must be `async def`",))
            declared = implementation.argnames
            found[hook] = _with_declared_arguments(implementation.function, declared, arguments)
    if "deliver" not in found:
        return Broken(name, (f"plugins.{name}: implements no hook (deliver, marked with @hookimpl)",))
    if problem := _find_dead_option(name, settings, found):
        return Broken(name, (problem,))
    return Loaded(Instance(name, settings, **found), plugin)


def _find_dead_option(name: str, settings: InstanceSettings, hooks: Container[str]) -> str | None:
    """Return what is wrong with a setting that does nothing without a hook that the plugin does not have."""
    if "digest" not in hooks and "digest" in settings.suppress.model_fields_set:
        return f"plugins.{name}.suppress.digest: this plugin has no digest hook; leave the setting out"
    if "tick" not in hooks and "tick_s" in settings.model_fields_set:
        return f"plugins.{name}.tick_s: this plugin has no tick hook; leave the setting out"
    return None


def _with_declared_arguments(function: Any, names: tuple[str, ...], offered: tuple[str, ...]) -> Any:
    """Return a callable that takes all the arguments offered and passes on those the author declared."""
    if names == offered:
        return function
    order = [offered.index(name) for name in names]
    if len(order) == 1:
        only = order[0]
        return lambda *arguments: function(arguments[only])
    return lambda *arguments: function(*[arguments[index] for index in order])

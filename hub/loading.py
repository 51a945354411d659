"""Finds plugins by entry point, makes instances of them, and says plainly why one cannot run."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
from pydantic import BaseModel, ValidationError

from hub.authored import in_words, text_of
from hub.decode.registry import DECODER_NAMES
from hub.dispatch.instance import Instance, InstanceSettings
from hub.errors import HubError
from hub.plugin import PluginContext, Specifications
from hub.problems import describe_problems

if TYPE_CHECKING:  # a plugin's own process has no use for the store
    from hub.store.plugin_state import PluginState

GROUP = "lenshub.plugins"
OF_EVENTS = frozenset(InstanceSettings.model_fields) - {"use", "tick_s", "timeout_s", "images"}
"""Settings that say which events are delivered, and how."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An instance that cannot run, with every reason found."""

    name: str
    problems: tuple[str, ...]
    from_beginning: bool = False
    state: PluginState = "failed"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An instance that was made but not entered: `plugin` is the author's object.

    `hooks` has what it implements, each taking all arguments of its specification by position.
    """

    instance: Instance
    plugin: Any
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def delivers(self) -> bool:
        """Whether events are for it; else it only brings messages or decodes them."""
        return not self.hooks or "deliver" in self.hooks


def installed_plugins() -> dict[str, EntryPoint]:
    """Return the entry points of installed plugins, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


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


def make_instance(
    name: str, factory: Any, table: Mapping[str, Any], data_dir: Path, origin: str = ""
) -> Loaded | Broken:
    """Make one instance of a plugin's class, as `load_instance` does of an installed one.

    Args:
        origin: What to call the class where it is at fault.
    """
    problems, settings = read_settings(name, table)
    place, context = f"plugins.{name}", PluginContext(name, data_dir, logging.getLogger(f"plugins.{name}"))
    made = _make(factory, origin or getattr(factory, "__name__", repr(factory)), place, table, context)
    problems += made if isinstance(made, list) else []
    return Broken(name, tuple(problems)) if problems else _register(name, settings, made)


def _load(name: str, table: Mapping[str, Any], data_dir: Path) -> Loaded | Broken:
    place = f"plugins.{name}"
    problems, settings = read_settings(name, table)
    if problems and ("isolation" in table or (settings.use is None and "use" in table)):
        return Broken(name, tuple(problems))  # whose settings the rest are, or where to look at them, is open
    entry = installed_plugins().get(settings.use or name)
    if entry is None:
        known = ", ".join(sorted(installed_plugins()))
        problems.append(f"{place}.use: no plugin {settings.use or name!r} is installed (installed: {known})")
        return Broken(name, tuple(problems))
    if settings.isolation == "process":
        return _isolate(name, settings, table, data_dir)
    try:
        factory = load_class(entry)
    except HubError as error:
        return Broken(name, (*problems, f"{place}: {error}"))
    return make_instance(name, factory, table, data_dir, entry.value)


def load_class(entry: EntryPoint) -> Any:
    """Import a plugin's class, which has a Settings model.

    Raises:
        HubError: It cannot be had; even SystemExit goes no further.
    """
    try:
        factory = entry.load()
    except BaseException as error:
        raise HubError(f"cannot be imported from {entry.value}: {in_words(error)}") from error
    if not _has_settings(factory):
        raise HubError(f"{entry.value} has no Settings model")
    return factory


def _has_settings(factory: Any) -> bool:
    model = getattr(factory, "Settings", None)
    return inspect.isclass(model) and issubclass(model, BaseModel)


def list_hooks(factory: Any) -> list[str]:
    """Return the names of the hooks that a plugin's class implements."""
    known = [name for name in vars(Specifications) if not name.startswith("_")]
    return [name for name in known if hasattr(getattr(factory, name, None), "lenshub_impl")]


def read_settings(name: str, table: Mapping[str, Any]) -> tuple[list[str], InstanceSettings]:
    """Return what is wrong with the hub's own part of a table, and that part without it."""
    own = {key: value for key, value in table.items() if key in InstanceSettings.model_fields}
    try:
        return [], InstanceSettings.model_validate(own)
    except ValidationError as error:
        wrong = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
        problems = describe_problems(error, f"plugins.{name}", InstanceSettings)
    try:
        left = {key: value for key, value in own.items() if key not in wrong}
        return problems, InstanceSettings.model_validate(left)
    except ValidationError:  # settings that do not go together
        return problems, InstanceSettings(use=own["use"] if isinstance(own.get("use"), str) else None)


def _isolate(name: str, settings: InstanceSettings, table: Mapping[str, Any], data_dir: Path) -> Loaded:
    """Return an instance whose code is never imported here; its own settings are checked in its process."""
    from hub.isolation.isolated import (
        AT_A_TIME,
        Isolated,
    )  # the process loads plugins too, and needs no store

    isolated = Isolated(name, settings, dict(table), data_dir)
    at_a_time = max(AT_A_TIME, settings.concurrency)
    return Loaded(Instance(name, settings, isolated.deliver, at_a_time=at_a_time), isolated)


def _make(
    factory: Any, origin: str, place: str, table: Mapping[str, Any], context: PluginContext
) -> Any | list[str]:
    rest = {key: value for key, value in table.items() if key not in InstanceSettings.model_fields}
    if not _has_settings(factory):
        return [f"{place}: {origin} has no Settings model"]
    model = factory.Settings
    try:
        settings = model.model_validate(rest)
    except ValidationError as error:
        return describe_problems(error, place, model, also=InstanceSettings.model_fields)
    except BaseException as error:  # noqa: BLE001 - the author's validators
        return [f"{place}: its Settings failed: {in_words(error)}"]
    try:
        return factory(settings, context)
    except HubError as error:
        return [f"{place}: {text_of(error) or in_words(error)}"]
    except BaseException as error:  # noqa: BLE001 - the author's constructor
        return [f"{place}: cannot be made: {in_words(error)}"]


def _register(name: str, settings: InstanceSettings, plugin: Any) -> Loaded | Broken:
    place = f"plugins.{name}"
    manager = pluggy.PluginManager("lenshub")
    manager.add_hookspecs(Specifications)
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        return Broken(name, (f"{place}: does not fit the hooks: {error}",))
    callers = [c for c in manager.get_hookcallers(plugin) or () if c.name in vars(Specifications)]
    found = {caller.name: caller.get_hookimpls() for caller in callers}  # without what others may call
    problems = _misfits(place, {hook: made[0].function for hook, made in found.items()})
    problems += _list_dead_options(place, settings, found)
    if problems:
        return Broken(name, tuple(problems))
    hooks = {hook: _with_declared_arguments(hook, made[0]) for hook, made in found.items()}
    deliver = hooks.get("deliver", _not_for_events)
    instance = Instance(name, settings, deliver, digest=hooks.get("digest"), tick=hooks.get("tick"))
    return Loaded(instance, plugin, hooks)


def specified_arguments(hook: str) -> tuple[str, ...]:
    """Return the names of the arguments that a hook may take."""
    return tuple(inspect.signature(getattr(Specifications, hook)).parameters)[1:]


def _misfits(place: str, functions: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with hooks whose names and arguments are right."""
    if not functions:
        known = [name for name in vars(Specifications) if not name.startswith("_")]
        return [f"{place}: implements no hook ({', '.join(known)}; each marked with @hookimpl)"]
    problems = []
    for hook, function in functions.items():
        awaited = inspect.iscoroutinefunction(getattr(Specifications, hook))
        if inspect.iscoroutinefunction(function) != awaited:
            problems.append(f"{place}: {hook} must be `{'async def' if awaited else 'def'}`")
    if "sources" in functions and "decode" not in functions:
        problems.append(f"{place}: has sources, but no decode to read their messages")
    if "classify" in functions and "decode" not in functions:
        problems.append(f"{place}: has classify, but no decode to read its answers")
    if ("begin_batch" in functions) != ("end_batch" in functions):
        problems.append(f"{place}: has one of begin_batch and end_batch; it needs both")
    if "begin_batch" in functions and "classify" not in functions:
        problems.append(f"{place}: has begin_batch, but no classify that a batch could be of")
    if "digest" in functions and "deliver" not in functions:
        problems.append(f"{place}: has digest, but no deliver that events could be held back from")
    if "decode" in functions and place.removeprefix("plugins.") in {*DECODER_NAMES, "mqtt"}:
        problems.append(f"{place}: is a name of the hub's own; name an instance that decodes otherwise")
    return problems


def _list_dead_options(place: str, settings: InstanceSettings, hooks: Container[str]) -> list[str]:
    """Return a line for each setting that does nothing without a hook that the plugin does not have."""
    dead = []
    if "deliver" not in hooks:
        dead += [(option, "deliver") for option in sorted(OF_EVENTS & settings.model_fields_set)]
    elif "digest" not in hooks and "digest" in settings.suppress.model_fields_set:
        dead.append(("suppress.digest", "digest"))
    if "tick" not in hooks and "tick_s" in settings.model_fields_set:
        dead.append(("tick_s", "tick"))
    if "classify" not in hooks and "images" in settings.model_fields_set:
        dead.append(("images", "classify"))
    elif "begin_batch" not in hooks and settings.images.batch is not None:
        dead.append(("images.batch", "begin_batch"))
    return [
        f"{place}.{option}: this plugin has no {hook} hook; leave the setting out" for option, hook in dead
    ]


async def _not_for_events(*_: object) -> None:
    raise NotImplementedError("this plugin has no deliver")


def _with_declared_arguments(hook: str, made: pluggy.HookImpl) -> Callable[..., Any]:
    """Return a callable that takes all of a hook's arguments and passes on those the author declared."""
    function, names, known = made.function, made.argnames, specified_arguments(hook)
    if names == known:
        return function
    order = [known.index(name) for name in names]
    if len(order) == 1:
        only = order[0]
        return lambda *arguments: function(arguments[only])
    return lambda *arguments: function(*[arguments[index] for index in order])

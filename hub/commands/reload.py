"""Applies a changed hub.toml to a running hub by difference: what did not change is not touched."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.checking import list_setting_problems
from hub.companion import Companion, add_decoder
from hub.config import Config, read_config, read_table
from hub.dispatch.dispatch import Dispatch
from hub.errors import ConfigError
from hub.gate.naming import list_changed
from hub.images.door import Door
from hub.images.overlap import list_overlapping, refuse_overlaps
from hub.intake import Intake
from hub.isolation.probe import list_problems
from hub.loading import Broken, Loaded
from hub.watchdog.refusal import load_unless_held
from hub.watchdog.watchdog import Watchdog

INTAKE = ("mqtt", "limits", "deeplens", "frigate")
SECTIONS = (*INTAKE, "watchdog", "http", "gates")


@dataclass(frozen=True, slots=True)
class Difference:
    """What another hub.toml changes: instances by name, and other sections.

    `found` holds instances that are new or changed, those that did not run and are tried again, and those
    whose picture folder overlaps another: they do not run.
    """

    config: Config
    gone: tuple[str, ...]
    added: frozenset[str]
    changed: frozenset[str]
    found: tuple[Loaded | Broken, ...]
    sections: tuple[str, ...]


class Reload:
    """Reads hub.toml again and applies the difference to what holds now.

    Args:
        path: The file; None: hub.toml here, or the defaults when there is none.
        config: What holds at the start.
        companion: Whose decoders read what is taken in.
        watchdog: Knows who is held back, by the tables that hold now.

    Attributes:
        config: What holds now.
    """

    def __init__(
        self,
        path: Path | None,
        config: Config,
        dispatch: Dispatch,
        intake: Intake,
        companion: Companion,
        watchdog: Watchdog,
        door: Door,
    ) -> None:
        self._path = path
        self.config = config
        self._dispatch = dispatch
        self._intake = intake
        self._companion = companion
        self._watchdog = watchdog
        self._door = door

    async def __call__(self) -> list[str]:
        """Apply what has changed, and return a line for each change.

        Raises:
            ConfigError: The file is wrong, with every problem; the hub goes on as it was.
        """
        try:
            found = await asyncio.to_thread(self._compare)
            await self._change_intake(found)
        except BaseException:
            self._watchdog.held.follow(self.config.plugins)
            raise
        self.config = found.config
        self._watchdog.follow(found.config.watchdog)
        self._companion.gates = found.config.gates
        await self._dispatch.change(found.gone, found.found)
        self._forget_decoders(found.gone)
        return self._describe(found)

    async def _change_intake(self, found: Difference) -> None:
        new = [one for one in found.found if isinstance(one, Loaded) and one.instance.name in found.added]
        for one in new:
            add_decoder(self._companion.decoders, one)  # before its first message can come
        try:
            if "http" in found.sections:
                await self._door.change(self.config.http, found.config.http)
            if not {*INTAKE}.isdisjoint(found.sections):
                await self._change_what_listens(found)
        except BaseException:
            self._forget_decoders(one.instance.name for one in new)
            raise

    async def _change_what_listens(self, found: Difference) -> None:
        try:
            await self._intake.change(self.config, found.config, self._companion.configure)
        except BaseException:
            if "http" in found.sections:
                await self._door.change(found.config.http, self.config.http)
            raise

    def _forget_decoders(self, names: Iterable[str]) -> None:
        for name in names:
            self._companion.decoders.remove(name)

    def _compare(self) -> Difference:
        """Read the file and make what is new in it; raises ConfigError with all that is wrong."""
        path, raw = read_table(self._path)
        tables = _tables_of(raw)
        before = self.config.plugins
        added = frozenset(tables.keys() - before.keys())
        problems: list[str] = []
        config = self._read(problems)
        gated = list_changed(tables, self.config.gates, config.gates) if config else set()
        both = tables.keys() & before.keys()
        changed = frozenset(name for name in both if tables[name] != before[name] or name in gated)
        idle = {name for name in tables if not self._dispatch.runs(name)}
        importlib.invalidate_caches()  # a plugin may have been installed since
        held = self._watchdog.held
        held.follow(tables)  # what is made now may block or end the hub as well
        data_dir = self.config.hub.data_dir
        crossed = list_overlapping(tables, data_dir)  # perhaps by a change of another table
        found = {
            name: load_unless_held(name, tables[name], data_dir, held)
            for name in sorted(added | changed | idle | crossed)
        }
        problems += [
            f"{path}: {line}" for name in sorted(added | changed) for line in _list_wrong(found[name])
        ]
        if problems or config is None:
            raise ConfigError(*problems)
        sections = tuple(name for name in SECTIONS if getattr(config, name) != getattr(self.config, name))
        gone = tuple(sorted(before.keys() - tables.keys()))
        usable = tuple(refuse_overlaps([*found.values()], tables, data_dir))
        return Difference(config, gone, added, changed, usable, sections)

    def _read(self, problems: list[str]) -> Config | None:
        try:
            config = read_config(self._path)
        except ConfigError as error:
            problems += error.problems
            return None
        problems += list_setting_problems(config)
        if config.hub != self.config.hub:
            problems.append(
                "hub.data_dir: cannot change while the hub runs; stop it, move the folder, start it"
            )
        return config

    def _describe(self, found: Difference) -> list[str]:
        lines = [f"{section}: applied" for section in found.sections]
        lines += [f"plugins.{name}: gone; its cursor is kept" for name in found.gone]
        for one in found.found:
            name = one.name if isinstance(one, Broken) else one.instance.name
            how = "added" if name in found.added else "changed" if name in found.changed else "tried again"
            end = "runs" if self._dispatch.runs(name) else "does not run, see `lenshub plugins`"
            why = f": {one.problems[0]}" if isinstance(one, Broken) and one.problems else ""
            lines.append(f"plugins.{name}: {how}, {end}{why}")
        return lines or ["nothing has changed"]


def _list_wrong(found: Loaded | Broken) -> tuple[str, ...]:
    """Return what is wrong with the file; that an instance is held back is not."""
    if isinstance(found, Broken) and found.state == "held back":
        return ()
    return list_problems(found)


def _tables_of(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    plugins = raw.get("plugins")
    tables = plugins.items() if isinstance(plugins, dict) else ()
    return {name: table for name, table in tables if isinstance(table, dict)}

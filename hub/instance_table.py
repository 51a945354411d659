"""Adds a plugin instance's table to hub.toml; everything else in the file stays as it was written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from hub.config import read_config, read_table
from hub.errors import ConfigError
from hub.event import NO_CONTROLS
from hub.isolation.probe import list_problems
from hub.loading import load_instance

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def add_instance(path: Path | None, name: str, use: str | None, settings: Sequence[str]) -> str:
    """Write `[plugins.<name>]` at the end of a configuration file, if it has no such table yet.

    Args:
        settings: Lines of TOML for the table.

    Returns:
        What was done, in words.

    Raises:
        ConfigError: The file is wrong, or would be with this table; it is left as it was.
    """
    path, raw = read_table(path)
    if name in raw.get("plugins", {}):
        if use is not None or settings:
            raise ConfigError(f"{path}: has a table [plugins.{name}] already; change it there")
        return f"[plugins.{name}] is in {path} already"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path = path.resolve()  # of a link, what it leads to is replaced
    trial = path.with_name(f".{path.name}.new")
    trial.write_text(before + _table(name, use, settings), encoding="utf-8")
    try:
        _check(trial, path, name)
        if path.exists():
            trial.chmod(path.stat().st_mode & 0o7777)
        with trial.open("rb") as file:
            os.fsync(file.fileno())
        trial.replace(path)
    finally:
        trial.unlink(missing_ok=True)
    return f"[plugins.{name}] is added to {path}"


def _table(name: str, use: str | None, settings: Sequence[str]) -> str:
    if not name or len(name) > 200 or not re.match(NO_CONTROLS, name):
        raise ConfigError("an instance's name has 1 to 200 characters, none of them a control character")
    key = name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    lines = [f"[plugins.{key}]", *([f"use = {json.dumps(use)}"] if use else []), *settings]
    return "\n" + "\n".join(lines) + "\n"


def _check(trial: Path, path: Path, name: str) -> None:
    """Raise ConfigError, with the file's own name, if it would be wrong."""
    try:
        config = read_config(trial)
    except ConfigError as error:
        problems = (line.replace(str(trial), str(path)) for line in error.problems)
        raise ConfigError(*problems) from error
    made = load_instance(name, config.plugins.get(name, {}), config.hub.data_dir)
    if wrong := list_problems(made):
        raise ConfigError(*(f"{path}: {line}" for line in wrong))

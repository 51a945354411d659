"""Reads which of a model's classes is which book: a list, a file, or the names of the training folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hub.errors import ConfigError
from plugins.isbn_settings import ClassesSettings

MAX_BYTES = 4 * 1024 * 1024
MAX_CLASSES = 10_000
MAX_NAME_CHARS = 200


def read_classes(settings: ClassesSettings, base: Path) -> tuple[str, ...]:
    """Return the classes' names in the order of their numbers.

    Args:
        base: Where relative paths start.

    Raises:
        ConfigError: There is nothing there, or it is not such a list.
    """
    if settings.names:
        return _check("classes.names", list(settings.names))
    if settings.folder is not None:
        return _check(str(settings.folder), _list_folder(base / settings.folder))
    assert settings.file is not None  # noqa: S101 - the settings have one of the three
    return _check(str(settings.file), _read_file(base / settings.file))


def _list_folder(folder: Path) -> list[str]:
    """Return the subfolders in the order in which training tools number them: by name."""
    try:
        found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise ConfigError(f"classes.folder: {folder}: {error.strerror} (name the training folder)") from error
    return [name for name in found if not name.startswith(".")]


def _read_file(path: Path) -> list[Any]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"classes.file: {path}: is no file of at most {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"classes.file: {path}: cannot be read as UTF-8 text") from error
    if not text.lstrip().startswith(("[", "{")):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return _order(json.loads(text), path)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"classes.file: {path}: is no JSON: {error}") from error


def _order(found: Any, path: Path) -> list[Any]:
    """Return a JSON list, or the names of {"0": name} or {name: 0} in the order of the numbers."""
    if isinstance(found, list):
        return found
    pairs = {str(key): value for key, value in found.items()}
    if all(isinstance(value, int) for value in pairs.values()):
        pairs = {str(value): key for key, value in pairs.items()}
    if sorted(pairs) != sorted(map(str, range(len(found)))):
        raise ConfigError(f"classes.file: {path}: its numbers are not 0 to {len(found) - 1}, each once")
    return [pairs[str(number)] for number in range(len(found))]


def _check(place: str, names: list[Any]) -> tuple[str, ...]:
    if not 0 < len(names) <= MAX_CLASSES:
        raise ConfigError(f"classes: {place}: has {len(names)} classes (1 to {MAX_CLASSES})")
    for name in names:
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= MAX_NAME_CHARS:
            raise ConfigError(f"classes: {place}: {str(name)[:40]!r} is no name of a class")
    if len(set(names)) != len(names):
        raise ConfigError(f"classes: {place}: names a class twice")
    return tuple(names)

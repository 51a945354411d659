"""Refuses a picture folder that others keep files in: the hub would eat what it made, without end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.loading import Broken, Loaded

Tables = Mapping[str, Mapping[str, Any]]
DEFAULTS = {"s3-archive": "archive", "retraining": "training", "inbox": "inbox"}
"""The folders of built-in plugins that name none: their code may be kept in a process of its own."""
OWN = ("frames", "uploads", "broker")
"""What the hub keeps below its data folder."""


def refuse_overlaps(
    found: Sequence[Loaded | Broken], tables: Tables, data_dir: Path
) -> list[Loaded | Broken]:
    """Return the instances, those broken whose picture folder overlaps another."""
    return [_refuse(one, tables, data_dir) for one in found]


def list_overlaps(tables: Tables, data_dir: Path) -> list[str]:
    """Return a line for each overlap of every instance's picture folder."""
    return [line for name in tables for line in _list_of(name, tables, data_dir)]


def list_overlapping(tables: Tables, data_dir: Path) -> frozenset[str]:
    """Return the instances whose picture folder overlaps another."""
    return frozenset(name for name in tables if _list_of(name, tables, data_dir))


def _refuse(one: Loaded | Broken, tables: Tables, data_dir: Path) -> Loaded | Broken:
    name = one.name if isinstance(one, Broken) else one.instance.name
    lines = tuple(_list_of(name, tables, data_dir))
    if not lines or (isinstance(one, Broken) and one.state == "held back"):
        return one
    earlier = one.problems if isinstance(one, Broken) else ()
    return Broken(name, (*earlier, *lines), tables[name].get("start") == "beginning")


def _list_of(name: str, tables: Tables, data_dir: Path) -> list[str]:
    if (folder := _picture_folder(tables[name])) is None:
        return []
    ours = _resolve(data_dir, folder)
    lines = []
    for place, theirs in _list_folders(name, tables, data_dir):
        if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
            lines.append(
                f"plugins.{name}.images.folder: {str(folder)!r} overlaps {place} ({theirs}); "
                "give the pictures a folder of their own"
            )
    return lines


def _list_folders(name: str, tables: Tables, data_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield where else files are kept: the setting, and its folder."""
    for own in OWN:
        yield f"hub.data_dir's {own}", _resolve(data_dir, own)
    for other, table in tables.items():
        if (folder := _own_folder(other, table)) is not None:
            yield f"plugins.{other}.folder", _resolve(data_dir, folder)
        if other != name and (folder := _picture_folder(table)) is not None:
            yield f"plugins.{other}.images.folder", _resolve(data_dir, folder)


def _picture_folder(table: Mapping[str, Any]) -> str | Path | None:
    images = table.get("images")
    return _path(images.get("folder")) if isinstance(images, Mapping) else None


def _own_folder(name: str, table: Mapping[str, Any]) -> str | Path | None:
    if "folder" in table:
        return _path(table["folder"])
    return None if "bucket" in table else DEFAULTS.get(str(table.get("use", name)))


def _path(value: object) -> str | Path | None:
    return value if isinstance(value, (str, Path)) and "\0" not in str(value) else None


def _resolve(data_dir: Path, folder: str | Path) -> Path:
    return (data_dir / folder).resolve()

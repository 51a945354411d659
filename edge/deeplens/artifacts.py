"""Finds the files that a function asks for under the device's paths in the model folder."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

DEVICE_FOLDERS = ("/opt/awscam/artifacts", "/opt/awscam/models")


class Artifacts:
    """The model folder.

    Args:
        folder: Where the owner put the models, each as `<name>.xml` and `.bin`, also in folders.
        say_once: Told `mapping` when a model of another name is taken.
    """

    def __init__(self, folder: Path, say_once: Callable[[str, str], object]) -> None:
        self._folder = folder
        self._say_once = say_once

    def find_model(self, asked: str) -> Path:
        """Return the IR for a path or name as the function says it; raises FileNotFoundError.

        Looked for: the path itself, `<name>.xml`, `<name>/model.xml`; then the only model there is, or the
        one whose name is like the one asked for.
        """
        if asked.endswith(".xml") and Path(asked).is_file():
            return Path(asked)
        name = _name_of(asked)
        models = sorted(self._folder.rglob("*.xml"))
        for path in models:
            if name in _names(path):
                return path
        chosen = models[0] if len(models) == 1 else _most_like(name, models)
        if chosen is None:
            known = ", ".join(str(path.relative_to(self._folder)) for path in models[:20]) or "none"
            raise FileNotFoundError(f"no model {name!r} in {self._folder} (known: {known}; see --model-dir)")
        self._say_once("mapping", f"model {name} -> {chosen.relative_to(self._folder)}")
        return chosen

    def find_file(self, asked: str) -> str:
        """Return a device path's file in the model folder, by name; anything else unchanged."""
        path = PurePosixPath(asked)
        if not asked.startswith(DEVICE_FOLDERS) or Path(asked).exists():
            return asked
        found = sorted(self._folder.rglob(path.name))
        if not found:
            return asked
        self._say_once("mapping", f"file {asked} -> {found[0].relative_to(self._folder)}")
        return str(found[0])


def _name_of(asked: str) -> str:
    name = PurePosixPath(asked).name
    return name.removesuffix(".xml").removesuffix(".bin")


def _names(path: Path) -> tuple[str, ...]:
    return (path.stem, path.parent.name) if path.stem == "model" else (path.stem,)


def _most_like(name: str, models: list[Path]) -> Path | None:
    named = {one: path for path in models for one in _names(path)}
    close = difflib.get_close_matches(name, named, 1, cutoff=0.6)
    return named[close[0]] if close else None

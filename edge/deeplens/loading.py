"""Loads the function and the modules beside it, repaired, and tells what is missing."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from edge.deeplens.artifacts import Artifacts
from edge.deeplens.repair import gone, shims
from edge.deeplens.repair.source import Repaired, repair_file
from edge.deeplens.repair.tree import SHIMS

Say = Callable[[str, str], object]
_SECRET = re.compile(r"passw|secret|token|access_?key|api_?key|credential", re.IGNORECASE)


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports what lies in the function's folder, repaired as the function itself is.

    Args:
        folder: The function's folder.
        artifacts: Where its `open` finds the device's paths.
        say_once: Told `repair`, `missing` and `secret`.
    """

    def __init__(self, folder: Path, artifacts: Artifacts, say_once: Say) -> None:
        self._folder, self._say_once = folder, say_once
        self._open = shims.make_open(artifacts.find_file, lambda text: say_once("repair", text))

    def run(self, path: Path) -> None:
        """Run the function's file under its own name, as Greengrass imported it; raises what it raises."""
        module = ModuleType(path.stem)
        module.__file__ = str(path)
        sys.modules[path.stem] = module
        self._execute(module, path)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        found = importlib.machinery.PathFinder.find_spec(name, path or [str(self._folder)])
        if found is None or not found.origin or not found.origin.endswith(".py"):
            return None
        if not Path(found.origin).is_relative_to(self._folder):
            return None
        packages = found.submodule_search_locations
        spec = importlib.util.spec_from_file_location(
            name, found.origin, loader=None, submodule_search_locations=packages
        )
        if spec is not None:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        self._execute(module, Path(str(module.__file__)))

    def _execute(self, module: ModuleType, path: Path) -> None:
        repaired = repair_file(path)
        for text in repaired.repairs:
            self._say_once("repair", text)
        for value in _secrets(repaired.tree):
            self._say_once("secret", value)
        for name in self._missing(repaired.tree):
            self._say_once("missing", name)
        gone.restore_libraries()
        module.__dict__.update(self._names(repaired))
        exec(repaired.code, module.__dict__)  # noqa: S102 - running the owner's function is what this is for

    def _names(self, repaired: Repaired) -> dict[str, Any]:
        names: dict[str, Any] = {SHIMS: shims, "open": self._open}
        return names | {"file": self._open} | shims.python2_names() if repaired.python2 else names

    def _missing(self, tree: ast.Module) -> Iterator[str]:
        """Yield the modules that the code imports and this Python does not have."""
        for name in sorted(_imported(tree)):
            top = name.partition(".")[0]
            if top not in sys.modules and top not in gone.MODULES and not _exists(top):
                yield top


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _secrets(tree: ast.Module) -> Iterator[str]:
    """Yield texts written in the code under a name that sounds secret, to keep them out of the output."""
    for node in ast.walk(tree):
        named: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.keyword) and node.arg:
            named = [(node.arg, node.value)]
        elif isinstance(node, ast.Assign):
            named = [(ast.unparse(target), node.value) for target in node.targets]
        elif isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else "" for key in node.keys]
            named = list(zip(map(str, keys), node.values, strict=True))
        for name, value in named:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and _SECRET.search(name):
                yield value.value
